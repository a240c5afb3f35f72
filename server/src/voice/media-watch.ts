import type { Clock, TimerHandle } from '../shared/clock.ts';

export interface MediaWatchOptions {
  clock: Clock;
  timeouts: { firstPacketMs: number; lostMs: number; holdMs: number };
  /** Reported once a call. */
  onTimeout: (phase: 'first-packet' | 'lost' | 'hold') => void;
  /** Nothing heard for `seconds`; once a gap, and once a call where packets come with nothing in them. */
  onOneWay: (seconds: number, kind: OneWayKind) => void;
}

/** No packets come, or packets of digital silence. */
export type OneWayKind = 'no-packets' | 'silence';

const ONE_WAY_AFTER_MS = 5_000;

/**
 * Watches over the far end's packets from the answer on: the first must come in time, a running
 * stream must not stop, a hold must end. On hold nothing is expected.
 */
export class MediaWatch {
  readonly #options: MediaWatchOptions;
  #state: 'idle' | 'awaiting-first' | 'running' | 'held' | 'closed' = 'idle';
  #packetSeen = false;
  #held = false;
  #resumedAtMs = Number.NEGATIVE_INFINITY;
  #oneWayReported = false;
  #silenceReported = false;
  #timer: TimerHandle | undefined;
  #oneWayTimer: TimerHandle | undefined;

  constructor(options: MediaWatchOptions) {
    this.#options = options;
  }

  /** The far end has answered: packets are due. Idempotent. */
  answered(): void {
    if (this.#state === 'idle') this.#enter();
  }

  firstPacket(): void {
    this.#packetSeen = true;
    if (this.#state === 'awaiting-first') this.#enter();
  }

  setHeld(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    this.#resumedAtMs = this.#options.clock.monotonicMs();
    this.#oneWayReported = false;
    if (this.#state !== 'idle' && this.#state !== 'closed') this.#enter();
  }

  /** No packet for `gapMs`; to be told again while it lasts. */
  gap(gapMs: number): void {
    if (this.#state !== 'running') return;
    // The silence of a hold is not held against the far end.
    const missingMs = Math.min(gapMs, this.#options.clock.monotonicMs() - this.#resumedAtMs);
    if (missingMs >= ONE_WAY_AFTER_MS) this.#reportOneWay(missingMs);
    if (missingMs >= this.#options.timeouts.lostMs) this.#timeOut('lost');
  }

  /** Packets come, but for `silentMs` there was nothing in them. */
  silent(silentMs: number): void {
    if (this.#state !== 'running' || this.#silenceReported) return;
    this.#silenceReported = true;
    this.#options.onOneWay(Math.floor(silentMs / 1_000), 'silence');
  }

  /** Packets come again. */
  resumed(): void {
    this.#oneWayReported = false;
  }

  /** Idempotent. */
  close(): void {
    this.#state = 'closed';
    this.#cancelTimers();
  }

  #enter(): void {
    this.#cancelTimers();
    const { clock, timeouts } = this.#options;
    if (this.#held) {
      this.#state = 'held';
      this.#timer = clock.setTimer(timeouts.holdMs, () => this.#timeOut('hold'));
    } else if (this.#packetSeen) {
      this.#state = 'running';
    } else {
      this.#state = 'awaiting-first';
      this.#timer = clock.setTimer(timeouts.firstPacketMs, () => this.#timeOut('first-packet'));
      this.#oneWayTimer = clock.setTimer(ONE_WAY_AFTER_MS, () =>
        this.#reportOneWay(ONE_WAY_AFTER_MS),
      );
    }
  }

  #reportOneWay(missingMs: number): void {
    if (this.#oneWayReported) return;
    this.#oneWayReported = true;
    this.#options.onOneWay(Math.floor(missingMs / 1_000), 'no-packets');
  }

  #timeOut(phase: 'first-packet' | 'lost' | 'hold'): void {
    this.close();
    this.#options.onTimeout(phase);
  }

  #cancelTimers(): void {
    this.#timer?.cancel();
    this.#oneWayTimer?.cancel();
  }
}
