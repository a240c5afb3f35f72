import type { SttProvider, SttSession } from '../providers/stt.ts';
import type { VadProvider, VadSession } from '../providers/vad.ts';

/** Something that the other side said. */
export interface HeardUtterance {
  /** Empty where it was not understood, or nobody asked for the words. */
  text: string;
  speechMs: number;
}

export interface PhoneEarsOptions {
  vad: VadProvider;
  stt: SttProvider;
  /** Silence that ends an utterance. A person waits a little longer than an agent. */
  endSilenceMs: number;
}

type Hearer = (event: 'speech' | 'end') => void;

const SPEECH_BEGINS_AT = 0.5;
const SPEECH_GOES_ON_AT = 0.35;
const FRAMES_TO_BEGIN = 3;
/** Audio kept from before speech was certain: the first consonant is in there. */
const PRE_ROLL_CHUNKS = 20;

/** Listens to the other side of a call: who speaks when, and what is said. */
export class PhoneEars {
  readonly #options: PhoneEarsOptions;
  readonly #vad: VadSession;
  readonly #stt: SttSession;
  readonly #preRoll: Int16Array[] = [];
  readonly #hearers = new Set<Hearer>();
  #speaking = false;
  #run = 0;
  #silenceMs = 0;
  #speechMs = 0;
  #totalSpeechMs = 0;
  #closed = false;

  constructor(options: PhoneEarsOptions) {
    this.#options = options;
    this.#vad = options.vad.open((probability) => this.#judge(probability));
    this.#stt = options.stt.open({ language: 'en' });
  }

  /** Speech heard since the ears were opened. */
  get totalSpeechMs(): number {
    return this.#totalSpeechMs;
  }

  get speaking(): boolean {
    return this.#speaking;
  }

  /** 8 kHz samples as they arrive; copied. */
  push(samples: Int16Array): void {
    if (this.#closed) return;
    this.#vad.push(samples);
    if (this.#speaking) {
      this.#stt.push(samples);
      return;
    }
    this.#preRoll.push(samples.slice());
    if (this.#preRoll.length > PRE_ROLL_CHUNKS) this.#preRoll.shift();
  }

  /** Resolves when the other side has spoken for `speechMs` in all, from now on. */
  async waitForSpeech(speechMs: number, signal: AbortSignal): Promise<void> {
    const from = this.#totalSpeechMs;
    await this.#until(() => this.#totalSpeechMs - from >= speechMs, signal);
  }

  /** Resolves with the next utterance that ends after now. */
  async nextUtterance(signal: AbortSignal): Promise<HeardUtterance> {
    let ended = false;
    await this.#until((event) => {
      ended ||= event === 'end';
      return ended;
    }, signal);
    const speechMs = this.#speechMs;
    const { text } = await this.#stt.transcribe({ expectDigits: false, signal });
    return { text, speechMs };
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#vad.close();
    this.#stt.close();
  }

  #judge(probability: number): void {
    const { frameMs } = this.#options.vad;
    if (!this.#speaking) {
      this.#run = probability > SPEECH_BEGINS_AT ? this.#run + 1 : 0;
      if (this.#run < FRAMES_TO_BEGIN) return;
      this.#speaking = true;
      this.#silenceMs = 0;
      this.#speechMs = this.#run * frameMs;
      this.#totalSpeechMs += this.#run * frameMs;
      this.#stt.begin();
      for (const chunk of this.#preRoll.splice(0)) this.#stt.push(chunk);
      this.#tell('speech');
      return;
    }
    if (probability > SPEECH_GOES_ON_AT) {
      this.#silenceMs = 0;
      this.#speechMs += frameMs;
      this.#totalSpeechMs += frameMs;
      this.#tell('speech');
      return;
    }
    this.#silenceMs += frameMs;
    if (this.#silenceMs < this.#options.endSilenceMs) return;
    this.#speaking = false;
    this.#run = 0;
    this.#tell('end');
  }

  #tell(event: 'speech' | 'end'): void {
    for (const hearer of Array.from(this.#hearers)) hearer(event);
  }

  #until(done: (event: 'speech' | 'end') => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#hearers.delete(hearer);
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        stop();
        reject(signal.reason as Error);
      };
      const hearer: Hearer = (event) => {
        if (!done(event)) return;
        stop();
        resolve();
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      this.#hearers.add(hearer);
    });
  }
}
