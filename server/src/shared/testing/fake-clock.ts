import { sleepOn, type Clock, type TimerHandle } from '../clock.ts';

interface PendingTimer {
  dueMs: number;
  order: number;
  fn: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #epochMs: number;
  readonly #pending = new Set<PendingTimer>();

  /** @param epochMs wall-clock time at the start. Default 2026-01-01T00:00:00Z. */
  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs;
  }

  now(): number {
    return this.#epochMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fn: () => void): TimerHandle {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fn };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Timers that have not fired. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Moves time on, firing what is due in order. Promise callbacks run between timers. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await flushPromises();
    for (;;) {
      const next = [...this.#pending]
        .filter((timer) => timer.dueMs <= targetMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (!next) break;
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.fn();
      await flushPromises();
    }
    this.#nowMs = targetMs;
  }
}

async function flushPromises(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
