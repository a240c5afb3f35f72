import type { SttSession, Transcript } from '../providers/stt.ts';
import type { VadProvider, VadSession } from '../providers/vad.ts';
import { FRAME_SAMPLES } from '../rtp/media-engine.ts';
import { SpeechDetector, type SpeechSignal } from './speech-detector.ts';

export interface EarsOptions {
  vad: VadProvider;
  stt: SttSession;
  /** Told of each judged frame, in order. */
  onSignal: (signal: SpeechSignal) => void;
}

/** Speech is noticed late; the first consonant is this far back. */
const PRE_ROLL_FRAMES = 12;
/** Ticks without a packet after which silence is assumed: a far end may send nothing when it is silent. */
const STARVED_TICKS = 4;
const SAMPLES_PER_MS = 8;

/** Listens to the far end: voice activity, pre-roll, and the utterance that is being recognised. */
export class Ears {
  readonly #options: EarsOptions;
  readonly #vad: VadSession;
  readonly #detector: SpeechDetector;
  readonly #preRoll: Int16Array;
  readonly #silence = new Int16Array(FRAME_SAMPLES);
  #preRollAt = 0;
  #preRollFilled = 0;
  #utteranceOpen = false;
  #utteranceSamples = 0;
  #ticksWithoutAudio = 0;
  #gated = false;
  #closed = false;

  constructor(options: EarsOptions) {
    this.#options = options;
    const { frameMs } = options.vad;
    this.#detector = new SpeechDetector(frameMs);
    this.#preRoll = new Int16Array(PRE_ROLL_FRAMES * frameMs * SAMPLES_PER_MS);
    this.#vad = options.vad.open((probability) => this.#judge(probability));
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
    return this.#options.stt.transcribe(options);
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
    this.#options.stt.close();
  }

  #take(samples: Int16Array): void {
    if (this.#closed || this.#gated) return;
    if (this.#utteranceOpen) {
      this.#options.stt.push(samples);
      this.#utteranceSamples += samples.length;
    }
    this.#remember(samples);
    this.#vad.push(samples);
  }

  #judge(probability: number): void {
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
    const { stt } = this.#options;
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
