import type { Clock, TimerHandle } from '../shared/clock.ts';
import { SentenceAudio, type SpeakingVoice } from './sentence-audio.ts';

export interface FillerOptions {
  /** An answer that is later gets a filler; null: none does. */
  afterMs: number | null;
  /** Said in turn. */
  texts: readonly string[];
  voice: SpeakingVoice;
  clock: Clock;
}

/** Words for the time in which an answer is being made. */
export class Filler {
  readonly #options: FillerOptions;
  /** By text: a filler is wanted at once. */
  readonly #audio = new Map<string, Int16Array>();
  #turnAbort: AbortController | null = null;
  #timer: TimerHandle | undefined;
  #next = 0;

  constructor(options: FillerOptions) {
    this.#options = options;
  }

  /** An answer is awaited: `say` is asked to say a filler when it is late; the last one counts. */
  await(say: (text: string, samples: Int16Array) => void): void {
    this.cancel();
    const { afterMs, clock } = this.#options;
    if (afterMs === null) return;
    const abort = new AbortController();
    this.#turnAbort = abort;
    this.#timer = clock.setTimer(afterMs, () => void this.#say(say, abort.signal));
  }

  /** The answer is there, or is not wanted any more. Idempotent. */
  cancel(): void {
    this.#timer?.cancel();
    this.#turnAbort?.abort();
    this.#turnAbort = null;
  }

  async #say(say: (text: string, samples: Int16Array) => void, signal: AbortSignal): Promise<void> {
    const { texts, voice } = this.#options;
    const text = texts[this.#next++ % texts.length];
    if (text === undefined) return;
    const samples = this.#audio.get(text) ?? (await this.#synthesize(text, voice, signal));
    if (samples !== null && !signal.aborted) say(text, samples);
  }

  async #synthesize(
    text: string,
    voice: SpeakingVoice,
    signal: AbortSignal,
  ): Promise<Int16Array | null> {
    const chunks: Int16Array[] = [];
    try {
      for await (const samples of new SentenceAudio(text, voice, signal).chunks) {
        chunks.push(samples);
      }
    } catch {
      // The answer itself tells of a voice that fails.
      return null;
    }
    if (signal.aborted) return null;
    const whole = new Int16Array(chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#audio.set(text, whole);
    return whole;
  }
}
