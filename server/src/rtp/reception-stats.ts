import { sequenceDistance } from './rtp-packet.ts';
import type { ReceptionReport } from './rtcp.ts';

/** RFC 3550 A.1: a larger step forward is a restart of the source. */
const MAX_DROPOUT = 3_000;
const MAX_MISORDER = 100;
const DEFAULT_CLOCK_RATE_HZ = 8_000;
const CYCLE = 65_536;

/** What a source sent and what came of it (RFC 3550 §6.4.1 and appendices A.1, A.3, A.8). */
export class ReceptionStats {
  #base = -1;
  #highest = 0;
  #cycles = 0;
  #received = 0;
  #lostBeforeRestart = 0;
  #expectedBeforeRestart = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;
  #transit: number | null = null;
  #jitterUnits = 0;
  #clockRateHz = DEFAULT_CLOCK_RATE_HZ;

  /** Interarrival jitter in milliseconds. */
  get jitterMs(): number {
    return (this.#jitterUnits * 1_000) / this.#clockRateHz;
  }

  /** Packets that should have come, by their numbers. */
  get expectedCount(): number {
    return this.#expectedBeforeRestart + this.#expected();
  }

  /** Packets that were expected and have not come; never negative. */
  get lostCount(): number {
    return this.#lostBeforeRestart + this.#lostSinceStart();
  }

  /** Another source: its numbers have nothing to do with those before. Losses stay counted. */
  restart(): void {
    this.#lostBeforeRestart += this.#lostSinceStart();
    this.#expectedBeforeRestart += this.#expected();
    this.#base = -1;
    this.#transit = null;
    this.#jitterUnits = 0;
    this.#expectedPrior = 0;
    this.#receivedPrior = 0;
  }

  /** Counts a packet; duplicates are not to be handed in. */
  count(sequenceNumber: number): void {
    const step = this.#base < 0 ? 0 : sequenceDistance(sequenceNumber, this.#highest);
    if (step > MAX_DROPOUT || step < -MAX_MISORDER) this.restart();
    if (this.#base < 0) {
      this.#base = sequenceNumber;
      this.#highest = sequenceNumber;
      this.#cycles = 0;
      this.#received = 0;
    } else if (step > 0) {
      if (sequenceNumber < this.#highest) this.#cycles += CYCLE;
      this.#highest = sequenceNumber;
    }
    this.#received++;
  }

  /** RFC 3550 A.8: J += (|D| - J) / 16, in timestamp units. Audio only: the packets of an event share a timestamp. */
  measureJitter(rtpTimestamp: number, nowMs: number, clockRateHz = DEFAULT_CLOCK_RATE_HZ): void {
    if (clockRateHz !== this.#clockRateHz) {
      this.#clockRateHz = clockRateHz;
      this.#transit = null;
      this.#jitterUnits = 0;
    }
    const transit = (Math.round((nowMs * clockRateHz) / 1_000) - rtpTimestamp) | 0;
    if (this.#transit !== null) {
      const difference = Math.abs((transit - this.#transit) | 0);
      // A jump of a second in the far end's timestamps is no jitter.
      if (difference < clockRateHz) this.#jitterUnits += (difference - this.#jitterUnits) / 16;
    }
    this.#transit = transit;
  }

  /** The numbers of a report block; the fraction is that since the report before. */
  report(): Pick<
    ReceptionReport,
    'fractionLost' | 'cumulativeLost' | 'highestSequence' | 'jitter'
  > {
    const expected = this.#expected();
    const expectedInterval = expected - this.#expectedPrior;
    const lostInterval = expectedInterval - (this.#received - this.#receivedPrior);
    this.#expectedPrior = expected;
    this.#receivedPrior = this.#received;
    return {
      fractionLost:
        expectedInterval > 0 && lostInterval > 0
          ? Math.min(255, Math.floor((256 * lostInterval) / expectedInterval))
          : 0,
      cumulativeLost: this.lostCount,
      highestSequence: (this.#cycles + this.#highest) >>> 0,
      jitter: Math.floor(this.#jitterUnits),
    };
  }

  #expected(): number {
    return this.#base < 0 ? 0 : this.#cycles + this.#highest - this.#base + 1;
  }

  #lostSinceStart(): number {
    return Math.max(0, this.#expected() - (this.#base < 0 ? 0 : this.#received));
  }
}
