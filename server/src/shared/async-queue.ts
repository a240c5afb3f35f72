/** What happens to an item that finds the queue full. */
export type OverflowPolicy = 'drop-oldest' | 'drop-newest' | 'refuse';

/** Thrown by `push` on a full queue whose policy is `refuse`. */
export class QueueFullError extends Error {
  constructor(capacity: number) {
    super(`queue is full: it holds ${capacity} items`);
    this.name = 'QueueFullError';
  }
}

/** A bounded first-in-first-out queue, read with `for await`. One reader. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  readonly #policy: OverflowPolicy;
  #wake: (() => void) | undefined;
  #ended = false;
  #error: Error | undefined;
  #droppedCount = 0;

  constructor(capacity: number, policy: OverflowPolicy) {
    this.#capacity = capacity;
    this.#policy = policy;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Items lost to the overflow policy. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Adds an item; ignored after `end` or `fail`. */
  push(item: T): void {
    if (this.#ended) return;
    if (this.#items.length >= this.#capacity) {
      if (this.#policy === 'refuse') throw new QueueFullError(this.#capacity);
      this.#droppedCount++;
      if (this.#policy === 'drop-newest') return;
      this.#items.shift();
    }
    this.#items.push(item);
    this.#wake?.();
  }

  /** Takes what is queued at once, without waiting. */
  drain(): T[] {
    return this.#items.splice(0);
  }

  /** The reader finishes after the items that are queued. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The reader throws `error` after the items that are queued. */
  fail(error: Error): void {
    this.#error ??= error;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift() as T;
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
