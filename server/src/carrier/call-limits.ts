import type { Clock } from '../shared/clock.ts';
import type { HangupCode } from './hangup-codes.ts';

export interface CallLimitsOptions {
  clock: Clock;
  /** Calls through the switch at once. Default 1,000. */
  maxCalls?: number;
  /** Of one trunk. Default 100. */
  maxCallsPerTrunk?: number;
  /** Calls of one trunk that may begin within a second. Default 10. */
  maxStartsPerSecond?: number;
}

const SECOND_MS = 1_000;

/** How many calls a trunk may have; more is refused at once, never queued. */
export class CallLimits {
  readonly #options: Required<CallLimitsOptions>;
  readonly #live = new Map<string, number>();
  /** When the latest calls of a trunk began; trunks that rest for a second are forgotten. */
  readonly #starts = new Map<string, number[]>();

  constructor(options: CallLimitsOptions) {
    this.#options = { maxCalls: 1_000, maxCallsPerTrunk: 100, maxStartsPerSecond: 10, ...options };
  }

  /** Why a call may not begin; null: it may, and counts as begun in this second. */
  check(trunkId: string, callCount: number): HangupCode | null {
    const { clock, maxCalls, maxCallsPerTrunk, maxStartsPerSecond } = this.#options;
    if (callCount >= maxCalls || (this.#live.get(trunkId) ?? 0) >= maxCallsPerTrunk) return 5190;
    const nowMs = clock.monotonicMs();
    for (const [id, atMs] of this.#starts) {
      if ((atMs.at(-1) ?? 0) <= nowMs - SECOND_MS) this.#starts.delete(id);
    }
    const recent = (this.#starts.get(trunkId) ?? []).filter((atMs) => atMs > nowMs - SECOND_MS);
    if (recent.length >= maxStartsPerSecond) return 5180;
    this.#starts.set(trunkId, [...recent, nowMs]);
    return null;
  }

  /** A call runs. The returned function says that it is over; idempotent. */
  begin(trunkId: string): () => void {
    this.#live.set(trunkId, (this.#live.get(trunkId) ?? 0) + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = (this.#live.get(trunkId) ?? 1) - 1;
      if (left > 0) this.#live.set(trunkId, left);
      else this.#live.delete(trunkId);
    };
  }
}
