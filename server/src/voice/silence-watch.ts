import type { Clock, TimerHandle } from '../shared/clock.ts';

export interface SilenceWatchOptions {
  clock: Clock;
  promptAfterMs: number;
  hangupAfterMs: number;
  /** `count`: silences in a row, from 1. */
  onPrompt: (count: number) => void;
  onHangup: () => void;
}

/**
 * Adds up the time in which neither side was heard. It runs only between `resume` (everything was
 * played out) and `pause` (somebody speaks, or the call is on hold); a sign of life of the caller
 * starts it afresh, the agent's own prompts do not.
 */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  #silentMs = 0;
  #prompts = 0;
  #resumedAtMs: number | null = null;
  #timer: TimerHandle | undefined;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
  }

  /** Silence begins or goes on. */
  resume(): void {
    if (this.#resumedAtMs !== null) return;
    this.#resumedAtMs = this.#options.clock.monotonicMs();
    this.#arm();
  }

  /** Silence is over for now; what was counted stays. */
  pause(): void {
    this.#timer?.cancel();
    if (this.#resumedAtMs === null) return;
    this.#silentMs += this.#options.clock.monotonicMs() - this.#resumedAtMs;
    this.#resumedAtMs = null;
  }

  /** The caller was heard: counting starts at nought. */
  reset(): void {
    this.pause();
    this.#silentMs = 0;
    this.#prompts = 0;
  }

  #arm(): void {
    const { clock, hangupAfterMs } = this.#options;
    const dueMs = Math.min(this.#nextPromptMs(), hangupAfterMs);
    this.#timer = clock.setTimer(dueMs - this.#silentMs, () => this.#fire(dueMs));
  }

  /** No prompt so late that the hang-up would follow on its heels. */
  #nextPromptMs(): number {
    const { promptAfterMs, hangupAfterMs } = this.#options;
    const dueMs = promptAfterMs * (this.#prompts + 1);
    return dueMs + promptAfterMs / 2 > hangupAfterMs ? Number.POSITIVE_INFINITY : dueMs;
  }

  #fire(dueMs: number): void {
    // Counted as exactly what was waited for, so that a late timer cannot shift the next one.
    this.#silentMs = dueMs;
    this.#resumedAtMs = null;
    if (dueMs >= this.#options.hangupAfterMs) {
      this.#options.onHangup();
      return;
    }
    this.#prompts++;
    this.#options.onPrompt(this.#prompts);
  }
}
