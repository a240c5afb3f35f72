import type { Clock } from '../shared/clock.ts';
import type { LegFailure } from './leg.ts';
import type { SipAddress } from './message.ts';

/** A server that could not be reached, or did not answer, is tried last for so long (RFC 3263 §4.3). */
const UNREACHABLE_MS = 30_000;
/** Nobody is believed to be away for longer than he says, nor for longer than this. */
const LONGEST_MS = 3_600_000;
/** Servers that are remembered; the oldest is forgotten first. */
const CAPACITY = 10_000;

/** Servers that are better not asked now. */
export class Greylist {
  readonly #clock: Clock;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a failure that speaks of the server: none, or a 503 that says for how long. */
  noteFailure(
    target: SipAddress,
    failure: Pick<LegFailure, 'cause' | 'status' | 'retryAfterS'>,
  ): void {
    const forMs = greyMs(failure);
    if (forMs === 0) return;
    const key = keyOf(target);
    this.#untilMs.delete(key);
    this.#untilMs.set(key, this.#clock.monotonicMs() + forMs);
    const [oldest] = this.#untilMs.keys();
    if (this.#untilMs.size > CAPACITY && oldest !== undefined) this.#untilMs.delete(oldest);
  }

  /** It has answered. */
  noteAnswer(target: SipAddress): void {
    this.#untilMs.delete(keyOf(target));
  }

  has(target: SipAddress): boolean {
    const key = keyOf(target);
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (untilMs > this.#clock.monotonicMs()) return true;
    this.#untilMs.delete(key);
    return false;
  }

  /** Those that are listed come last, each group in the order in which it was: none is left out. */
  last<T>(targets: readonly T[], addressOf: (target: T) => SipAddress): T[] {
    const isGrey = new Map(targets.map((target) => [target, this.has(addressOf(target))]));
    return [
      ...targets.filter((target) => !isGrey.get(target)),
      ...targets.filter((target) => isGrey.get(target)),
    ];
  }
}

function greyMs({ cause, status, retryAfterS }: Parameters<Greylist['noteFailure']>[1]): number {
  if (cause === 'timeout' || cause === 'transport') return UNREACHABLE_MS;
  // RFC 3261 §21.5.4: without Retry-After a 503 is as a 500, which says nothing of the next call.
  if (cause !== 'response' || status !== 503 || retryAfterS === null) return 0;
  return Math.min(retryAfterS * 1000, LONGEST_MS);
}

function keyOf({ host, port, transport }: SipAddress): string {
  return `${host} ${port} ${transport}`;
}
