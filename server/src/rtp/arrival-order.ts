import { sequenceDistance } from './rtp-packet.ts';

/** How long the packets after a missing one wait for it: two of the usual 20 ms, less their jitter. */
const HOLD_MS = 35;
/** In a burst nothing is gained by waiting: this many packets after a missing one give it up. */
const MAX_HELD_PACKETS = 4;
/** A larger step is a restart of the sender, not a loss (RFC 3550 A.1, MAX_MISORDER). */
const MAX_STEP = 100;

export type ArrivalVerdict = 'taken' | 'late' | 'duplicate';

/**
 * Puts packets into order as soon as possible: what is in sequence passes at once, what is early
 * waits for its predecessor, about 40 ms at most.
 */
export class ArrivalOrder<T> {
  readonly #deliver: (item: T, lostBefore: number) => void;
  readonly #held = new Map<number, T>();
  /** One bit for each of the last 32 numbers before `#expected`, the latest lowest. */
  #seen = 0;
  #heldSinceMs = 0;
  #expected = -1;

  /** @param deliver called in order; `lostBefore` packets before it did not come. */
  constructor(deliver: (item: T, lostBefore: number) => void) {
    this.#deliver = deliver;
  }

  /** A new stream begins: another SSRC, or numbers that start anew. What waited is delivered. */
  reset(): void {
    while (this.#held.size > 0) this.#skipGap();
    this.#expected = -1;
    this.#seen = 0;
  }

  push(sequenceNumber: number, item: T, nowMs: number): ArrivalVerdict {
    if (this.#expected >= 0) {
      const ahead = sequenceDistance(sequenceNumber, this.#expected);
      if (Math.abs(ahead) > MAX_STEP) this.reset();
      else if (ahead < 0) return this.#wasSeen(-ahead) ? 'duplicate' : 'late';
    }
    if (this.#expected < 0) this.#expected = sequenceNumber;
    if (this.#held.size === 0 && sequenceNumber === this.#expected) {
      this.#advance(true);
      this.#deliver(item, 0);
      return 'taken';
    }
    if (this.#held.has(sequenceNumber)) return 'duplicate';
    if (this.#held.size === 0) this.#heldSinceMs = nowMs;
    this.#held.set(sequenceNumber, item);
    this.#release(0, nowMs);
    if (this.#held.size >= MAX_HELD_PACKETS) this.#skipGap(nowMs);
    else this.expire(nowMs);
    return 'taken';
  }

  /** Gives up packets that were waited for long enough. Called with each tick. */
  expire(nowMs: number): void {
    while (this.#held.size > 0 && nowMs - this.#heldSinceMs >= HOLD_MS) this.#skipGap(nowMs);
  }

  /** The oldest that waits is next; what lies before it is lost. */
  #skipGap(nowMs = this.#heldSinceMs): void {
    let lost = 0;
    while (!this.#held.has(this.#expected)) {
      this.#advance(false);
      lost++;
    }
    this.#release(lost, nowMs);
  }

  #release(lostBefore: number, nowMs: number): void {
    let lost = lostBefore;
    for (;;) {
      const item = this.#held.get(this.#expected);
      if (item === undefined) return;
      this.#held.delete(this.#expected);
      this.#advance(true);
      // What still waits behind another gap waits for that gap from now on.
      this.#heldSinceMs = nowMs;
      this.#deliver(item, lost);
      lost = 0;
    }
  }

  #advance(seen: boolean): void {
    this.#expected = (this.#expected + 1) & 0xffff;
    this.#seen = (this.#seen << 1) | (seen ? 1 : 0);
  }

  #wasSeen(behind: number): boolean {
    return behind <= 32 && ((this.#seen >>> (behind - 1)) & 1) === 1;
  }
}
