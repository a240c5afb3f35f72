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
/** Of a long utterance the end is understood, 5 s at 8 kHz: there is what a person answers to. */
const UNDERSTOOD_SAMPLES = 5 * 8_000;

/** Listens to the other side of a call: who speaks when, and what is said. */
export class PhoneEars {
  readonly #options: PhoneEarsOptions;
  readonly #vad: VadSession;
  readonly #stt: SttSession;
  readonly #preRoll: Int16Array[] = [];
  readonly #utterance: Int16Array[] = [];
  #utteranceSamples = 0;
  readonly #hearers = new Set<Hearer>();
  #speaking = false;
  #run = 0;
  #silenceMs = 0;
  #speechMs = 0;
  #totalSpeechMs = 0;
  #recognising = 0;
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

  /** An utterance has ended and is being understood. */
  get recognising(): boolean {
    return this.#recognising > 0;
  }

  /** 8 kHz samples as they arrive; copied. */
  push(samples: Int16Array): void {
    if (this.#closed) return;
    this.#vad.push(samples);
    if (this.#speaking) {
      this.#keep(samples.slice());
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
    this.#stt.begin();
    for (const chunk of this.#utterance) this.#stt.push(chunk);
    this.#recognising++;
    try {
      // The platform's own agents come first: this is the other side of their calls.
      const options = { expectDigits: false, signal, interim: true };
      const { text } = await this.#stt.transcribe(options);
      return { text, speechMs };
    } catch (error) {
      if (signal.aborted || this.#closed) throw error;
      // A recogniser with too much to do is like a bad line: the person did not get it.
      return { text: '', speechMs };
    } finally {
      this.#recognising--;
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#vad.close();
    this.#stt.close();
  }

  #keep(chunk: Int16Array): void {
    this.#utterance.push(chunk);
    this.#utteranceSamples += chunk.length;
    while (this.#utteranceSamples > UNDERSTOOD_SAMPLES) {
      this.#utteranceSamples -= this.#utterance.shift()?.length ?? 0;
    }
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
      this.#utterance.length = 0;
      this.#utteranceSamples = 0;
      for (const chunk of this.#preRoll.splice(0)) this.#keep(chunk);
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
