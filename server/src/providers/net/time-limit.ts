import type { Clock } from '../../shared/clock.ts';
import { ProviderError } from '../provider-error.ts';

/** Ends a request whose provider keeps silent for too long. */
export class TimeLimit {
  readonly #provider: string;
  readonly #clock: Clock;
  readonly #controller = new AbortController();

  constructor(provider: string, clock: Clock) {
    this.#provider = provider;
    this.#clock = clock;
  }

  /** Aborted when a limit has passed or the request was given up; to be handed to the client. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What `step` gives, within `limitMs`. Rejects with a retryable ProviderError after that. */
  async watch<T>(step: PromiseLike<T>, limitMs: number): Promise<T> {
    const { signal } = this;
    const timer = this.#clock.setTimer(limitMs, () =>
      this.#controller.abort(
        new ProviderError(this.#provider, `the endpoint kept silent for ${limitMs} ms`, {
          retryable: true,
          kind: 'timeout',
        }),
      ),
    );
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      // A client that takes no notice of its signal must not hold a turn.
      return await Promise.race([step, aborted]);
    } finally {
      timer.cancel();
      if (onAbort) signal.removeEventListener('abort', onAbort);
    }
  }

  /** The request is over, read to its end or not. Idempotent. */
  end(): void {
    this.#controller.abort(
      new ProviderError(this.#provider, 'the request was given up', { retryable: false }),
    );
  }
}
