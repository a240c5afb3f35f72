import type { Clock } from '../../shared/clock.ts';

const WINDOW_MS = 5_000;
/** Accounts that are remembered; who is forgotten begins anew. */
const CAPACITY = 10_000;

/** Counts requests of each account in a sliding window of 5 s. */
export class RequestRate {
  readonly #clock: Clock;
  readonly #timesMs = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False where the account has asked too often; such a request does not count. */
  take(account: string, maxRequests: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const recent = (this.#timesMs.get(account) ?? []).filter((atMs) => atMs > nowMs - WINDOW_MS);
    this.#timesMs.delete(account);
    const [oldest] = this.#timesMs.keys();
    if (this.#timesMs.size >= CAPACITY && oldest !== undefined) this.#timesMs.delete(oldest);
    const allowed = recent.length < maxRequests;
    if (allowed) recent.push(nowMs);
    this.#timesMs.set(account, recent);
    return allowed;
  }
}
