import type { Clock, TimerHandle } from '../shared/clock.ts';

/** Named timers of one object; starting a name again replaces it, `close` stops all for good. */
export class TimerSet<Name extends string> {
  readonly #clock: Clock;
  readonly #running = new Map<Name, TimerHandle>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `fn` once after `delayMs`. */
  start(name: Name, delayMs: number, fn: () => void): void {
    this.stop(name);
    if (this.#closed) return;
    const handle = this.#clock.setTimer(delayMs, () => {
      this.#running.delete(name);
      fn();
    });
    this.#running.set(name, handle);
  }

  /** Stops one; harmless when it is not running. */
  stop(name: Name): void {
    this.#running.get(name)?.cancel();
    this.#running.delete(name);
  }

  /** Stops all; nothing starts afterwards. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const handle of this.#running.values()) handle.cancel();
    this.#running.clear();
  }
}
