import type { Clock } from '../shared/clock.ts';

export interface SignInLockoutOptions {
  clock: Clock;
  /** Failures within the window that lock an address. Default 5. */
  maxFailures?: number;
  /** Default 60,000. */
  windowMs?: number;
  /** Of the first lock; each next one is twice as long. Default 300,000. */
  lockMs?: number;
  /** Default 24 hours. */
  maxLockMs?: number;
  /** Addresses that are remembered. Default 10,000. */
  capacity?: number;
}

interface Record {
  failuresMs: number[];
  lockedUntilMs: number;
  locks: number;
}

/** Who guesses passwords is not heard any more for a while, and ever longer. */
export class SignInLockout {
  readonly #options: Required<SignInLockoutOptions>;
  /** The address that failed last is at the end. */
  readonly #records = new Map<string, Record>();

  constructor(options: SignInLockoutOptions) {
    this.#options = {
      maxFailures: 5,
      windowMs: 60_000,
      lockMs: 300_000,
      maxLockMs: 86_400_000,
      capacity: 10_000,
      ...options,
    };
  }

  isLocked(address: string): boolean {
    const record = this.#records.get(address);
    return record !== undefined && record.lockedUntilMs > this.#options.clock.monotonicMs();
  }

  fail(address: string): void {
    const { clock, windowMs, maxFailures, lockMs, maxLockMs, capacity } = this.#options;
    const nowMs = clock.monotonicMs();
    const record = this.#records.get(address) ?? { failuresMs: [], lockedUntilMs: 0, locks: 0 };
    this.#records.delete(address);
    const [oldest] = this.#records.keys();
    if (this.#records.size >= capacity && oldest !== undefined) this.#records.delete(oldest);
    this.#records.set(address, record);
    record.failuresMs = [...record.failuresMs.filter((atMs) => atMs > nowMs - windowMs), nowMs];
    if (record.failuresMs.length < maxFailures) return;
    record.failuresMs = [];
    record.lockedUntilMs = nowMs + Math.min(lockMs * 2 ** record.locks, maxLockMs);
    record.locks++;
  }

  /** The right password: what was before is forgotten. */
  succeed(address: string): void {
    this.#records.delete(address);
  }
}
