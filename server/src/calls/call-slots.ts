/** Places for live calls on this node. */
export class CallSlots {
  readonly #capacity: number;
  readonly #waiting: (() => void)[] = [];
  #usedCount = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get usedCount(): number {
    return this.#usedCount;
  }

  /** A place, or null when none is free. Call what is returned once to give it back. */
  tryTake(): (() => void) | null {
    if (this.#usedCount >= this.#capacity) return null;
    this.#usedCount++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#usedCount--;
      this.#waiting.shift()?.();
    };
  }

  /** Waits for a place; rejects with the signal's reason when aborted first. */
  async take(signal: AbortSignal): Promise<() => void> {
    for (;;) {
      signal.throwIfAborted();
      const release = this.tryTake();
      if (release) return release;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          const at = this.#waiting.indexOf(wake);
          if (at >= 0) this.#waiting.splice(at, 1);
          resolve();
        };
        this.#waiting.push(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }
}
