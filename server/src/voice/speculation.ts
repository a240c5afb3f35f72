import type { CallerInput } from '../agents/dialogue.ts';
import type { Transcript } from '../providers/stt.ts';
import type { Clock } from '../shared/clock.ts';
import type { Ears } from './ears.ts';
import type { SpokenReply } from './mouth.ts';

/** One judgement of silence: recognition, words and first audio are made inside the wait for the end of the turn. */
const FIRST_GUESS_AFTER_MS = 30;
/** A caller who went on will pause again: each wrong guess of an utterance makes the next one later. */
const LATER_FOR_EACH_DROP_MS = 15;
const LATEST_GUESS_AFTER_MS = 150;

/** Silence after which the answer is guessed, when `drops` guesses of the utterance were wrong. */
export function speculateAfterMs(drops: number): number {
  return Math.min(FIRST_GUESS_AFTER_MS + drops * LATER_FOR_EACH_DROP_MS, LATEST_GUESS_AFTER_MS);
}

export interface SpeculationOptions {
  ears: Ears;
  expectDigits: boolean;
  clock: Clock;
  /** Begins the answer to what was recognised. */
  answer: (input: CallerInput) => SpokenReply;
  /** The transcript is there, or recognition failed. */
  onSettled: () => void;
}

/** A guess that the caller has finished: what was said, and the beginning of the answer. */
export class Speculation {
  readonly #abort = new AbortController();
  readonly #startedAtMs: number;
  #transcript: Transcript | null = null;
  #answer: SpokenReply | null = null;
  #error: unknown = null;
  #sttMs = 0;
  #transcribedAtMs = 0;

  constructor(options: SpeculationOptions) {
    this.#startedAtMs = options.clock.monotonicMs();
    void this.#guess(options);
  }

  /** What was recognised; null: not known yet. */
  get transcript(): Transcript | null {
    return this.#transcript;
  }

  /** Why nothing was recognised; null: it was, or may still be. */
  get error(): unknown {
    return this.#error;
  }

  /** The beginning of the answer; null: no words were recognised. */
  get answer(): SpokenReply | null {
    return this.#answer;
  }

  /** From asking the recogniser to its answer. */
  get sttMs(): number {
    return this.#sttMs;
  }

  /** Monotonic time of the transcript. */
  get transcribedAtMs(): number {
    return this.#transcribedAtMs;
  }

  /** The guess was wrong. Idempotent. */
  drop(): void {
    this.#abort.abort();
    this.#answer?.abort();
  }

  async #guess({
    ears,
    expectDigits,
    clock,
    answer,
    onSettled,
  }: SpeculationOptions): Promise<void> {
    const { signal } = this.#abort;
    try {
      const transcript = await ears.transcribe({ expectDigits, signal });
      if (signal.aborted) return;
      this.#transcribedAtMs = clock.monotonicMs();
      this.#sttMs = this.#transcribedAtMs - this.#startedAtMs;
      const text = transcript.text.trim();
      if (text !== '') {
        this.#answer = answer({ type: 'speech', text, confidence: transcript.confidence });
      }
      this.#transcript = { ...transcript, text };
    } catch (error) {
      if (signal.aborted) return;
      this.#error = error ?? new Error('recognition failed');
    }
    onSettled();
  }
}
