import { sequenceDistance } from './rtp-packet.ts';

/** Packets that may wait for one that is missing: 40 ms of the usual 20 ms packets. */
const HOLD_PACKETS = 2;
/** A larger step is a restart of the sender, not a loss (RFC 3550 A.1, MAX_DROPOUT). */
const MAX_STEP = 100;

export type ArrivalVerdict = 'taken' | 'late' | 'duplicate';

/**
 * Puts packets into order as soon as possible: what is in sequence passes at once, what is early
 * waits until its predecessor comes or two more are there.
 */
export class ArrivalOrder<T> {
  readonly #deliver: (item: T, lostBefore: number) => void;
  readonly #held = new Map<number, T>();
  #expected = -1;
  #lostCount = 0;

  /** @param deliver called in order; `lostBefore` packets before it did not come. */
  constructor(deliver: (item: T, lostBefore: number) => void) {
    this.#deliver = deliver;
  }

  get lostCount(): number {
    return this.#lostCount;
  }

  /** A new stream begins: another SSRC, or the far end was changed. */
  reset(): void {
    this.#held.clear();
    this.#expected = -1;
  }

  push(sequenceNumber: number, item: T): ArrivalVerdict {
    const ahead = this.#expected < 0 ? 0 : sequenceDistance(sequenceNumber, this.#expected);
    if (Math.abs(ahead) > MAX_STEP) this.reset();
    else if (ahead < 0) return 'late';
    if (this.#expected < 0) this.#expected = sequenceNumber;
    if (this.#held.has(sequenceNumber)) return 'duplicate';
    this.#held.set(sequenceNumber, item);
    this.#release(0);
    if (this.#held.size > HOLD_PACKETS) {
      // The oldest that waits is next; what lies before it is lost.
      let lost = 0;
      while (!this.#held.has(this.#expected)) {
        this.#expected = (this.#expected + 1) & 0xffff;
        lost++;
      }
      this.#lostCount += lost;
      this.#release(lost);
    }
    return 'taken';
  }

  #release(lostBefore: number): void {
    let lost = lostBefore;
    for (;;) {
      const item = this.#held.get(this.#expected);
      if (item === undefined) return;
      this.#held.delete(this.#expected);
      this.#expected = (this.#expected + 1) & 0xffff;
      this.#deliver(item, lost);
      lost = 0;
    }
  }
}
