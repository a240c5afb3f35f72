import type { SttSession, Transcript } from '../providers/stt.ts';
import type { VadProvider, VadSession } from '../providers/vad.ts';
import { ProviderError } from '../providers/provider-error.ts';
import type { Clock } from '../shared/clock.ts';
import { FRAME_SAMPLES } from '../rtp/media-engine.ts';
import { SpeechDetector, type SpeechSignal } from './speech-detector.ts';

export interface EarsOptions {
  vad: VadProvider;
  /** Opens the recogniser; again when it has stopped answering. */
  openStt: () => SttSession;
  clock: Clock;
  /** Told of each judged frame, in order. */
  onSignal: (signal: SpeechSignal) => void;
  /** Voice activity was judged no more, and is begun anew. */
  onStalled: (error: ProviderError) => void;
}

/** Speech is noticed late; the first consonant is this far back. */
const PRE_ROLL_FRAMES = 12;
/** Ticks without a packet after which silence is assumed: a far end may send nothing when it is silent. */
const STARVED_TICKS = 4;
const SAMPLES_PER_MS = 8;
/** Audio that nobody judges: whoever should has stopped. */
const STALLED_MS = 3_000;
/** A recogniser that is later has stopped answering. */
const STT_LIMIT_MS = 8_000;

/** Listens to the far end: voice activity, pre-roll, and the utterance that is being recognised. */
export class Ears {
  readonly #options: EarsOptions;
  #vad: VadSession;
  #stt: SttSession;
  readonly #detector: SpeechDetector;
  readonly #preRoll: Int16Array;
  readonly #silence = new Int16Array(FRAME_SAMPLES);
  #preRollAt = 0;
  #preRollFilled = 0;
  #utteranceOpen = false;
  #utteranceSamples = 0;
  #ticksWithoutAudio = 0;
  /** Audio since the last judgement of voice activity. */
  #unjudgedMs = 0;
  #gated = false;
  #closed = false;

  constructor(options: EarsOptions) {
    this.#options = options;
    const { frameMs } = options.vad;
    this.#detector = new SpeechDetector(frameMs);
    this.#preRoll = new Int16Array(PRE_ROLL_FRAMES * frameMs * SAMPLES_PER_MS);
    this.#stt = options.openStt();
    this.#vad = this.#openVad();
  }

  /** The caller is speaking, or pausing inside an utterance. */
  get speaking(): boolean {
    return this.#detector.speaking;
  }

  /** Milliseconds of audio in the utterance, pre-roll included. */
  get utteranceMs(): number {
    return this.#utteranceSamples / SAMPLES_PER_MS;
  }

  /** Samples of the far end as they arrive. */
  hear(samples: Int16Array): void {
    this.#ticksWithoutAudio = 0;
    this.#take(samples);
  }

  /** Once every 20 ms: stands in with silence while the far end sends nothing. */
  tick(): void {
    if (this.#ticksWithoutAudio < STARVED_TICKS) this.#ticksWithoutAudio++;
    else this.#take(this.#silence);
  }

  /** Deaf while true (the call is on hold); an utterance that was open is forgotten. */
  setGated(gated: boolean): void {
    if (gated === this.#gated) return;
    this.#gated = gated;
    this.endUtterance();
    this.#preRollFilled = 0;
  }

  /** What the open utterance says so far. */
  transcribe(options: {
    expectDigits: boolean;
    signal: AbortSignal;
    interim?: boolean;
  }): Promise<Transcript> {
    return this.#withinLimit(options);
  }

  /** The utterance has been dealt with: the next speech is a new one. */
  endUtterance(): void {
    this.#detector.reset();
    this.#utteranceOpen = false;
    this.#utteranceSamples = 0;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#vad.close();
    this.#stt.close();
  }

  #openVad(): VadSession {
    const session = this.#options.vad.open((probability) => {
      // One that was given up may still answer.
      if (session === this.#vad) this.#judge(probability);
    });
    return session;
  }

  /** Nobody is hung up on because they are not heard: whoever listens is started anew. */
  #restartVad(): void {
    this.#unjudgedMs = 0;
    this.#vad.close();
    this.endUtterance();
    this.#vad = this.#openVad();
    const message = `no voice activity was judged for ${STALLED_MS} ms; it is started anew`;
    this.#options.onStalled(
      new ProviderError('vad', message, { retryable: true, kind: 'timeout' }),
    );
  }

  async #withinLimit(options: {
    expectDigits: boolean;
    signal: AbortSignal;
    interim?: boolean;
  }): Promise<Transcript> {
    const stt = this.#stt;
    const limit = new AbortController();
    const late = this.#options.clock
      .sleep(STT_LIMIT_MS, AbortSignal.any([limit.signal, options.signal]))
      .then(() => 'late' as const);
    late.catch(() => undefined);
    try {
      const asked = stt.transcribe(options);
      asked.catch(() => undefined);
      const first = await Promise.race([asked, late]);
      if (first !== 'late') return first;
    } finally {
      limit.abort(new Error('the recogniser has answered'));
    }
    if (options.interim !== true && stt === this.#stt && !this.#closed) {
      stt.close();
      this.#stt = this.#options.openStt();
      this.#stt.begin();
    }
    const message = `no transcript within ${STT_LIMIT_MS} ms; the recogniser is opened anew`;
    throw new ProviderError('stt', message, { retryable: true, kind: 'timeout' });
  }

  #take(samples: Int16Array): void {
    if (this.#closed || this.#gated) return;
    if (this.#utteranceOpen) {
      this.#stt.push(samples);
      this.#utteranceSamples += samples.length;
    }
    this.#remember(samples);
    this.#vad.push(samples);
    this.#unjudgedMs += samples.length / SAMPLES_PER_MS;
    if (this.#unjudgedMs > STALLED_MS) this.#restartVad();
  }

  #judge(probability: number): void {
    this.#unjudgedMs = 0;
    // Judgements come later than the audio: one may be about sound from before a hold or the end.
    if (this.#closed || this.#gated) return;
    const signal = this.#detector.push(probability);
    if (!this.#utteranceOpen && (signal.type === 'suspected' || signal.type === 'started')) {
      this.#openUtterance();
    }
    if (signal.type === 'dismissed') this.endUtterance();
    this.#options.onSignal(signal);
  }

  #openUtterance(): void {
    const stt = this.#stt;
    stt.begin();
    this.#utteranceOpen = true;
    const start = this.#preRollAt - this.#preRollFilled;
    if (start < 0) {
      stt.push(this.#preRoll.slice(this.#preRoll.length + start));
      if (this.#preRollAt > 0) stt.push(this.#preRoll.slice(0, this.#preRollAt));
    } else if (this.#preRollFilled > 0) {
      stt.push(this.#preRoll.slice(start, this.#preRollAt));
    }
    this.#utteranceSamples = this.#preRollFilled;
  }

  #remember(samples: Int16Array): void {
    const ring = this.#preRoll;
    const tail = samples.length > ring.length ? samples.subarray(-ring.length) : samples;
    const untilEnd = ring.length - this.#preRollAt;
    if (tail.length <= untilEnd) ring.set(tail, this.#preRollAt);
    else {
      ring.set(tail.subarray(0, untilEnd), this.#preRollAt);
      ring.set(tail.subarray(untilEnd), 0);
    }
    this.#preRollAt = (this.#preRollAt + tail.length) % ring.length;
    this.#preRollFilled = Math.min(ring.length, this.#preRollFilled + tail.length);
  }
}
