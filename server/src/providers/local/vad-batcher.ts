import { RecentWaits } from './recent-waits.ts';
import { SileroMemory, VAD_FRAME_SAMPLES, type SileroInput } from './silero-model.ts';
import type { SpeechThreadStats, VadReport } from './speech-protocol.ts';

/** More streams in one run gain nothing further and keep the others waiting. */
const MAX_BATCH = 128;

interface WaitingFrame {
  consumer: ConsumerState;
  session: number;
  samples: Int16Array;
  arrivedAtMs: number;
}

/** One consumer thread's streams. */
export interface BatchConsumer {
  push(sessions: Int32Array, samples: Int16Array): void;
  end(session: number): void;
  close(): void;
}

interface ConsumerState extends BatchConsumer {
  memories: Map<number, SileroMemory>;
  report: (report: VadReport) => void;
}

/**
 * Collects the frames of all streams of all consumers: what waits when a run starts goes into
 * that run, one frame of a stream at a time. How many frames may wait is bounded by the
 * consumers, which send no more before they are answered.
 */
export class VadBatcher {
  readonly #run: (inputs: readonly SileroInput[]) => Promise<Float32Array>;
  readonly #waits = new RecentWaits();
  #waiting: WaitingFrame[] = [];
  #running = false;
  #done = 0;
  #runs = 0;
  #busyMs = 0;

  constructor(run: (inputs: readonly SileroInput[]) => Promise<Float32Array>) {
    this.#run = run;
  }

  stats(): SpeechThreadStats {
    return {
      done: this.#done,
      runs: this.#runs,
      waiting: this.#waiting.length,
      waitP95Ms: this.#waits.p95Ms(performance.now()),
      busyMs: this.#busyMs,
      cacheHits: 0,
    };
  }

  connect(report: (report: VadReport) => void): BatchConsumer {
    const memories = new Map<number, SileroMemory>();
    const consumer: ConsumerState = {
      memories,
      report,
      push: (sessions, samples) => {
        const arrivedAtMs = performance.now();
        sessions.forEach((session, n) => {
          const at = n * VAD_FRAME_SAMPLES;
          const frame = samples.subarray(at, at + VAD_FRAME_SAMPLES);
          this.#waiting.push({ consumer, session, samples: frame, arrivedAtMs });
        });
        if (!this.#running) void this.#work();
      },
      end: (session) => {
        memories.delete(session);
        this.#forget((frame) => frame.consumer === consumer && frame.session === session);
      },
      close: () => {
        memories.clear();
        this.#forget((frame) => frame.consumer === consumer);
      },
    };
    return consumer;
  }

  #forget(matches: (frame: WaitingFrame) => boolean): void {
    this.#waiting = this.#waiting.filter((frame) => !matches(frame));
  }

  async #work(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      const startedMs = performance.now();
      // One for a batch: its oldest.
      this.#waits.add(startedMs, startedMs - (batch[0]?.arrivedAtMs ?? startedMs));
      const probabilities = await this.#run(
        batch.map(({ consumer, session, samples }) => ({
          memory: memoryOf(consumer, session),
          samples,
        })),
      );
      this.#busyMs += performance.now() - startedMs;
      this.#runs++;
      this.#done += batch.length;
      answer(batch, probabilities);
    }
    this.#running = false;
  }

  /** The oldest frame of each stream, in order of arrival. */
  #takeBatch(): WaitingFrame[] {
    const batch: WaitingFrame[] = [];
    const rest: WaitingFrame[] = [];
    const taken = new Map<BatchConsumer, Set<number>>();
    for (const frame of this.#waiting) {
      const sessions = taken.get(frame.consumer) ?? new Set<number>();
      taken.set(frame.consumer, sessions);
      if (batch.length < MAX_BATCH && !sessions.has(frame.session)) {
        batch.push(frame);
      } else {
        rest.push(frame);
      }
      // Also when it did not fit: a later frame of the stream must not overtake it.
      sessions.add(frame.session);
    }
    this.#waiting = rest;
    return batch;
  }
}

function memoryOf(consumer: ConsumerState, session: number): SileroMemory {
  const memory = consumer.memories.get(session) ?? new SileroMemory();
  consumer.memories.set(session, memory);
  return memory;
}

function answer(batch: readonly WaitingFrame[], probabilities: Float32Array): void {
  const byConsumer = Map.groupBy(
    batch.map((frame, n) => ({ frame, probability: probabilities[n] ?? 0 })),
    ({ frame }) => frame.consumer,
  );
  for (const [consumer, answers] of byConsumer) {
    consumer.report({
      sessions: Int32Array.from(answers, ({ frame }) => frame.session),
      probabilities: Float32Array.from(answers, ({ probability }) => probability),
    });
  }
}
