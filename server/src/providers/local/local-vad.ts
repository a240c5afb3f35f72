import type { MessagePort } from 'node:worker_threads';
import { systemClock, type Clock, type TimerHandle } from '../../shared/clock.ts';
import type { VadProvider, VadSession } from '../vad.ts';
import { VAD_FRAME_MS, VAD_FRAME_SAMPLES } from './silero-model.ts';
import { SpeechLine } from './speech-line.ts';
import type { SpeechPorts } from './speech-ports.ts';
import type { VadReport, VadRequest } from './speech-protocol.ts';

/**
 * With many calls the frames of all that are ready within this time travel in one message: a run
 * over few frames costs almost as much as one over many. With few calls nobody waits for others.
 */
const COALESCE_MS_PER_SESSION = 0.4;
const COALESCE_FROM_SESSIONS = 24;
const MAX_COALESCE_MS = 20;
/** Nothing louder than this (of 32,768) is digital silence, with the smallest steps of G.711. */
const SILENT_PEAK = 16;
/** The model hears so much of a silence (512 ms) that the rest of it would tell it nothing new. */
const SILENT_FRAMES_JUDGED = 16;
/** Frames of one call that may be unanswered: 32 s. What comes on top is answered with 0. */
const MAX_UNANSWERED = 1_000;

export interface LocalVadOptions {
  /** Default: the machine's clock. */
  clock?: Clock;
}

/** Embedded voice activity for the thread that holds `ports`. */
export function createLocalVad(
  ports: SpeechPorts,
  options: LocalVadOptions = {},
): VadProvider & { close(): void } {
  return new LocalVad(ports.vad, options.clock ?? systemClock);
}

class LocalVad implements VadProvider {
  readonly frameMs = VAD_FRAME_MS;
  readonly #clock: Clock;
  readonly #line: SpeechLine;
  readonly #sessions = new Map<number, LocalVadSession>();
  #thread: MessagePort | undefined;
  #isDown = false;
  #nextSession = 1;
  #readySessions: number[] = [];
  #readyFrames: Int16Array[] = [];
  #flushTimer: TimerHandle | undefined;
  #lastFlushMs = -Infinity;

  constructor(port: MessagePort, clock: Clock) {
    this.#clock = clock;
    this.#line = new SpeechLine(port, 'local-vad', {
      opened: (line) => this.#opened(line),
      lost: () => this.#lost(),
      down: () => {
        this.#isDown = true;
        this.#lost();
      },
    });
    this.#line.receiveNow();
  }

  open(onFrame: (speechProbability: number) => void): VadSession {
    const id = this.#nextSession++;
    const session = new LocalVadSession(onFrame, {
      send: (frame) => this.#enqueue(id, frame),
      ended: () => this.#end(id),
    });
    this.#sessions.set(id, session);
    return session;
  }

  close(): void {
    this.#flushTimer?.cancel();
    this.#line.close();
    this.#sessions.clear();
  }

  /** Answers false when there is no thread to judge the frame. */
  #enqueue(session: number, frame: Int16Array): boolean {
    if (this.#isDown) return false;
    this.#readySessions.push(session);
    this.#readyFrames.push(frame);
    if (this.#flushTimer === undefined) {
      // At once after a pause; a steady stream of frames is sent a few milliseconds apart.
      const sinceMs = this.#clock.monotonicMs() - this.#lastFlushMs;
      this.#flushTimer = this.#clock.setTimer(Math.max(0, this.#coalesceMs() - sinceMs), () =>
        this.#flush(),
      );
    }
    return true;
  }

  #coalesceMs(): number {
    const { size } = this.#sessions;
    if (size < COALESCE_FROM_SESSIONS) return 0;
    return Math.min(MAX_COALESCE_MS, COALESCE_MS_PER_SESSION * size);
  }

  #flush(): void {
    this.#flushTimer = undefined;
    // Without a line the frames wait for the next; each session bounds its own.
    if (this.#thread === undefined || this.#readySessions.length === 0) return;
    this.#lastFlushMs = this.#clock.monotonicMs();
    const sessions = Int32Array.from(this.#readySessions);
    const samples = new Int16Array(sessions.length * VAD_FRAME_SAMPLES);
    this.#readyFrames.forEach((frame, n) => samples.set(frame, n * VAD_FRAME_SAMPLES));
    this.#readySessions = [];
    this.#readyFrames = [];
    this.#post({ type: 'frames', sessions, samples }, [sessions.buffer, samples.buffer]);
  }

  #post(request: VadRequest, transfer: ArrayBuffer[] = []): void {
    this.#thread?.postMessage(request, transfer);
  }

  #opened(line: MessagePort): void {
    this.#isDown = false;
    this.#thread = line;
    line.on('message', ({ sessions, probabilities }: VadReport) => {
      // What an older line still brings has been answered already.
      if (this.#thread !== line) return;
      sessions.forEach((id, n) => this.#sessions.get(id)?.answered(probabilities[n] ?? 0));
    });
    this.#flush();
  }

  /** What the thread has not judged counts as no speech, so that every call keeps its time. */
  #lost(): void {
    this.#thread = undefined;
    this.#readySessions = [];
    this.#readyFrames = [];
    for (const session of this.#sessions.values()) session.giveUp();
  }

  #end(id: number): void {
    this.#sessions.delete(id);
    this.#readyFrames = this.#readyFrames.filter((_, n) => this.#readySessions[n] !== id);
    this.#readySessions = this.#readySessions.filter((session) => session !== id);
    this.#post({ type: 'end', session: id });
  }
}

interface SessionPort {
  send(frame: Int16Array): boolean;
  ended(): void;
}

class LocalVadSession implements VadSession {
  readonly #onFrame: (speechProbability: number) => void;
  readonly #port: SessionPort;
  #frame = new Int16Array(VAD_FRAME_SAMPLES);
  #filled = 0;
  #unanswered = 0;
  /** Frames on top of the bound, answered with 0 once those before them are answered. */
  #skipped = 0;
  #silentRun = 0;
  #isClosed = false;

  constructor(onFrame: (speechProbability: number) => void, port: SessionPort) {
    this.#onFrame = onFrame;
    this.#port = port;
  }

  push(samples: Int16Array): void {
    let at = 0;
    while (at < samples.length && !this.#isClosed) {
      const room = VAD_FRAME_SAMPLES - this.#filled;
      const fits = at === 0 && samples.length <= room;
      const part = fits ? samples : samples.subarray(at, at + room);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === VAD_FRAME_SAMPLES) this.#complete();
    }
  }

  /** The thread's judgement of the oldest unanswered frame. */
  answered(probability: number): void {
    this.#unanswered--;
    this.#tell(probability);
    if (this.#unanswered === 0) this.#tellSkipped();
  }

  /** Answers everything that is outstanding with 0. */
  giveUp(): void {
    this.#skipped += this.#unanswered;
    this.#unanswered = 0;
    this.#tellSkipped();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#port.ended();
  }

  #complete(): void {
    const frame = this.#frame;
    this.#frame = new Int16Array(VAD_FRAME_SAMPLES);
    this.#filled = 0;
    this.#silentRun = isSilent(frame) ? this.#silentRun + 1 : 0;
    if (this.#silentRun > SILENT_FRAMES_JUDGED && this.#unanswered === 0 && this.#skipped === 0) {
      this.#tell(0);
      return;
    }
    if (this.#skipped > 0 || this.#unanswered >= MAX_UNANSWERED) {
      this.#skipped++;
      return;
    }
    if (this.#port.send(frame)) {
      this.#unanswered++;
      return;
    }
    this.#skipped++;
    this.#tellSkipped();
  }

  #tellSkipped(): void {
    while (this.#skipped > 0 && !this.#isClosed) {
      this.#skipped--;
      this.#tell(0);
    }
  }

  #tell(probability: number): void {
    if (this.#isClosed) return;
    try {
      this.#onFrame(probability);
    } catch (error) {
      // One call's listener must not keep the others from hearing; the error is not lost either.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function isSilent(frame: Int16Array): boolean {
  for (let i = 0; i < frame.length; i++) {
    const sample = frame[i] as number;
    if (sample > SILENT_PEAK || sample < -SILENT_PEAK) return false;
  }
  return true;
}
