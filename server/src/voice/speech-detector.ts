/** What the detector makes of one more frame. */
export type SpeechSignal =
  /** Nothing to tell. */
  | { type: 'quiet' }
  /** It may be speech: enough to hold one's breath, not enough to give up the floor. */
  | { type: 'suspected'; speechMs: number }
  /** The suspicion was wrong. */
  | { type: 'dismissed' }
  /** Somebody speaks. `speechMs`: already, up to now. */
  | { type: 'started'; speechMs: number }
  /**
   * Speech goes on. `pausedMs`: the silence just before this frame, 0 inside a word. `fading`: less
   * surely speech than a word in its middle is: it may end here.
   */
  | { type: 'speaking'; speechMs: number; pausedMs: number; fading: boolean }
  /** Silence since the last speech; the utterance is not over until somebody calls `reset`. */
  | { type: 'pausing'; speechMs: number; silenceMs: number };

/** Above it a frame counts as speech while nobody speaks. */
const BEGIN_ABOVE = 0.5;
/** Above it two frames are enough to suspect speech. */
const SUSPECT_ABOVE = 0.7;
/** Above it speech that has begun goes on. */
const CONTINUE_ABOVE = 0.35;
/** Below it speech that has begun is fading. */
const FADING_BELOW = 0.8;
/** Speech must last this long to count: three frames of 32 ms, with room for other frame sizes. */
const BEGIN_MS = 80;
const SUSPECT_MS = 60;
/** Quiet that ends a suspicion. */
const DISMISS_MS = 64;

/** Makes utterances out of speech probabilities. Pure: counts frames, knows no clock. */
export class SpeechDetector {
  readonly #frameMs: number;
  #state: 'quiet' | 'suspected' | 'speaking' = 'quiet';
  #runMs = 0;
  #strongRunMs = 0;
  #speechMs = 0;
  #silenceMs = 0;

  constructor(frameMs: number) {
    this.#frameMs = frameMs;
  }

  /** Speech has begun and `reset` was not called since. */
  get speaking(): boolean {
    return this.#state === 'speaking';
  }

  /** One more frame with this probability of speech, 0 to 1. */
  push(probability: number): SpeechSignal {
    return this.#state === 'speaking' ? this.#goOn(probability) : this.#listen(probability);
  }

  /** The utterance is over: the next speech is a new one. */
  reset(): void {
    this.#state = 'quiet';
    this.#runMs = 0;
    this.#strongRunMs = 0;
    this.#speechMs = 0;
    this.#silenceMs = 0;
  }

  #listen(probability: number): SpeechSignal {
    this.#runMs = probability > BEGIN_ABOVE ? this.#runMs + this.#frameMs : 0;
    this.#strongRunMs = probability > SUSPECT_ABOVE ? this.#strongRunMs + this.#frameMs : 0;
    if (this.#runMs >= BEGIN_MS) {
      this.#state = 'speaking';
      this.#speechMs = this.#runMs;
      this.#silenceMs = 0;
      return { type: 'started', speechMs: this.#speechMs };
    }
    if (this.#state === 'quiet') {
      if (this.#strongRunMs < SUSPECT_MS) return { type: 'quiet' };
      this.#state = 'suspected';
      this.#silenceMs = 0;
      return { type: 'suspected', speechMs: this.#runMs };
    }
    this.#silenceMs = this.#runMs > 0 ? 0 : this.#silenceMs + this.#frameMs;
    if (this.#silenceMs < DISMISS_MS) return { type: 'quiet' };
    this.reset();
    return { type: 'dismissed' };
  }

  #goOn(probability: number): SpeechSignal {
    if (probability > CONTINUE_ABOVE) {
      const pausedMs = this.#silenceMs;
      this.#silenceMs = 0;
      this.#speechMs += this.#frameMs;
      return {
        type: 'speaking',
        speechMs: this.#speechMs,
        pausedMs,
        fading: probability < FADING_BELOW,
      };
    }
    this.#silenceMs += this.#frameMs;
    return { type: 'pausing', speechMs: this.#speechMs, silenceMs: this.#silenceMs };
  }
}
