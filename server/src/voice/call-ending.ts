import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { TurnInput, TurnState } from './turn-fsm.ts';

export interface CallEndingOptions {
  clock: Clock;
  state: () => TurnState;
  input: (input: TurnInput) => void;
  /** Nothing can be heard now (the call is on hold). */
  isHeld: () => boolean;
  onEndRequested: (reason: string) => void;
}

/** A goodbye that was not heard by then is given up. */
const GOODBYE_TIMEOUT_MS = 20_000;

/** How the call ends: why, with which last words, and who waits for it. */
export class CallEnding {
  readonly #options: CallEndingOptions;
  #reason = 'agent-goodbye';
  #goodbye = '';
  #finishing: PromiseWithResolvers<void> | null = null;
  #durationTimer: TimerHandle | undefined;

  constructor(options: CallEndingOptions) {
    this.#options = options;
  }

  /** What is to be said before the end. */
  get goodbye(): string {
    return this.#goodbye;
  }

  /** Ends the call by itself after `maxMs`. */
  limitDuration(maxMs: number, goodbye: string | null): void {
    this.#durationTimer = this.#options.clock.setTimer(maxMs, () =>
      this.end('max-duration', goodbye),
    );
  }

  /** Ends the call after `goodbye` (null: at once). A goodbye that is being said is not replaced. */
  end(reason: string, goodbye: string | null): void {
    const { state, input, isHeld } = this.#options;
    if (state() === 'ended') return;
    if (state() !== 'closing') this.#reason = reason;
    if (goodbye === null || goodbye.trim() === '' || isHeld() || state() === 'opening') {
      input('end-now');
      return;
    }
    this.#goodbye = goodbye;
    input('goodbye');
  }

  /** What the agent is saying ends the call. */
  lastWords(reason: string): void {
    this.#reason = reason;
    this.#options.input('last-words');
  }

  /** Ends the call for the host, which is not told of it: resolves when `goodbye` was heard, or cannot be. */
  async finish(goodbye: string | null): Promise<void> {
    const { clock, state, input } = this.#options;
    if (state() === 'ended') return;
    this.#finishing ??= Promise.withResolvers();
    const { promise } = this.#finishing;
    this.end('finished', goodbye);
    const timer = clock.setTimer(GOODBYE_TIMEOUT_MS, () => input('end-now'));
    await promise;
    timer.cancel();
  }

  /** Everything was said. */
  request(): void {
    this.#durationTimer?.cancel();
    if (this.#finishing !== null) this.#finishing.resolve();
    else this.#options.onEndRequested(this.#reason);
  }

  /** Idempotent. */
  close(): void {
    this.#durationTimer?.cancel();
    this.#finishing?.resolve();
  }
}
