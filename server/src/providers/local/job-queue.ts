import { setImmediate } from 'node:timers/promises';
import { RecentWaits } from './recent-waits.ts';
import { PRIORITY_LOW } from './speech-protocol.ts';

/** A job was refused or pushed out: the queue is full. */
export class QueueBusyError extends Error {
  constructor(capacity: number) {
    super(`busy: ${capacity} jobs are waiting`);
    this.name = 'QueueBusyError';
  }
}

interface WaitingJob {
  priority: number;
  admittedAtMs: number;
  start: () => void;
  refuse: (error: Error) => void;
}

/**
 * Runs jobs one after the other, the highest priority first and equal ones in order. A job that
 * is aborted while it waits is dropped at once; a running one is told by its signal. When
 * `capacity` jobs wait, a new one pushes out the newest of a lower priority, or is refused.
 * Between two jobs the thread's messages are taken in: what came while it computed, an abort or a
 * job that is more urgent, counts in the choice of the next.
 */
export class JobQueue {
  readonly #capacity: number;
  readonly #waiting: WaitingJob[] = [];
  readonly #waits = new RecentWaits();
  #running = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /**
   * What 95 of 100 jobs of the last minute did not wait longer than; those that still wait count as
   * well, those of low priority do not: these may wait.
   */
  waitP95Ms(): number {
    const nowMs = performance.now();
    const urgent = this.#waiting.filter(({ priority }) => priority > PRIORITY_LOW);
    const oldestMs = Math.min(...urgent.map(({ admittedAtMs }) => admittedAtMs), nowMs);
    return Math.max(this.#waits.p95Ms(nowMs), nowMs - oldestMs);
  }

  /** Resolves with what `work` makes. Rejects with its error, QueueBusyError or the signal's reason. */
  run<T>(priority: number, signal: AbortSignal, work: () => Promise<T> | T): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => {
        this.#remove(job);
        reject(signal.reason as Error);
      };
      const job: WaitingJob = {
        priority,
        admittedAtMs: performance.now(),
        start: () => {
          signal.removeEventListener('abort', onAbort);
          void this.#perform(work).then(resolve, reject);
        },
        refuse: (error) => {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#admit(job);
    });
  }

  #admit(job: WaitingJob): void {
    const after = this.#waiting.findLastIndex((other) => other.priority >= job.priority);
    this.#waiting.splice(after + 1, 0, job);
    this.#next();
    if (this.#waiting.length > this.#capacity) {
      this.#waiting.pop()?.refuse(new QueueBusyError(this.#capacity));
    }
  }

  #remove(job: WaitingJob): void {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  #next(): void {
    if (this.#running) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    const nowMs = performance.now();
    if (job.priority > PRIORITY_LOW) this.#waits.add(nowMs, nowMs - job.admittedAtMs);
    job.start();
  }

  async #perform<T>(work: () => Promise<T> | T): Promise<T> {
    this.#running = true;
    try {
      return await work();
    } finally {
      void this.#goOn();
    }
  }

  async #goOn(): Promise<void> {
    await messagesTaken();
    this.#running = false;
    this.#next();
  }
}

/** Two turns: the first may end without a look at the ports. */
async function messagesTaken(): Promise<void> {
  await setImmediate();
  await setImmediate();
}
