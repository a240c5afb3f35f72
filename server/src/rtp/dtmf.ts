/** RFC 4733 §3.2 table 3: event codes 0 to 15. */
const DIGITS = '0123456789*#ABCD';
const EVENT_BYTES = 4;
const DEFAULT_CLOCK_RATE_HZ = 8_000;
const PACKET_MS = 20;
/** The field has 16 bits (RFC 4733 §2.3.5). */
const MAX_DURATION_UNITS = 0xffff;
const VOLUME_DBM0 = 10;
const TONE_PACKETS = 5;
const PAUSE_PACKETS = 3;
const END_PACKETS = 3;
const MAX_QUEUED_DIGITS = 256;
/** RFC 4733 §2.5.2.2: three intervals of 50 ms without an update end an event. */
const EVENT_TIMEOUT_MS = 150;

/** Digits that cannot be sent. */
export class DtmfError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DtmfError';
  }
}

/** A packet of payload type telephone-event, in order of sequence. */
export interface DtmfEventPacket {
  payload: Uint8Array;
  rtpTimestamp: number;
  marker: boolean;
}

/**
 * Digits of the far end (RFC 4733 §2.5.1.3): the packets of one event share a timestamp; the event
 * counts once, at its end bit, or, when all its ends were lost, at the next event or after 150 ms.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    |     event     |E|R| volume    |          duration             |
 */
export class DtmfReceiver {
  readonly #onDigit: (digit: string, durationMs: number) => void;
  #open = false;
  #eventTimestamp = -1;
  #digit = '';
  #durationUnits = 0;
  #earlierUnits = 0;
  #unitsPerMs = DEFAULT_CLOCK_RATE_HZ / 1_000;
  #updatedMs = 0;

  constructor(onDigit: (digit: string, durationMs: number) => void) {
    this.#onDigit = onDigit;
  }

  /** RFC 4733 §2.1: that of the audio. Default 8000. */
  setClockRate(clockRateHz: number): void {
    this.#unitsPerMs = clockRateHz / 1_000;
  }

  /** False where the payload is no event that we know. */
  push(packet: DtmfEventPacket, nowMs: number): boolean {
    const [code = 255, flags = 0, high = 0, low = 0] = packet.payload;
    const digit = DIGITS.charAt(code);
    if (packet.payload.length < EVENT_BYTES || digit === '') return false;
    if (packet.rtpTimestamp !== this.#eventTimestamp) this.#begin(packet, digit);
    const durationUnits = (high << 8) | low;
    this.#durationUnits = Math.max(this.#durationUnits, durationUnits);
    this.#updatedMs = nowMs;
    if (flags & 0x80) this.finish();
    return true;
  }

  /** Ends an event that was not heard of for a while. Called with each tick. */
  expire(nowMs: number): void {
    if (nowMs - this.#updatedMs >= EVENT_TIMEOUT_MS) this.finish();
  }

  /** An event whose end did not come is over. */
  finish(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#onDigit(this.#digit, (this.#earlierUnits + this.#durationUnits) / this.#unitsPerMs);
  }

  #begin(packet: DtmfEventPacket, digit: string): void {
    const endTimestamp = (this.#eventTimestamp + this.#durationUnits) >>> 0;
    // RFC 4733 §2.5.1.3: an event too long for the duration field goes on in a next segment.
    const goesOn =
      this.#open && !packet.marker && digit === this.#digit && packet.rtpTimestamp === endTimestamp;
    if (goesOn) this.#earlierUnits += this.#durationUnits;
    else {
      this.finish();
      this.#open = true;
      this.#digit = digit;
      this.#earlierUnits = 0;
    }
    this.#eventTimestamp = packet.rtpTimestamp;
    this.#durationUnits = 0;
  }
}

interface QueuedDigits {
  codes: number[];
  sent: () => void;
  failed: (error: DtmfError) => void;
}

/**
 * Digits to the far end: 100 ms each and 60 ms apart, an update every 20 ms, the end three times
 * (RFC 4733 §2.5.1.4).
 */
export class DtmfSender {
  readonly #queue: QueuedDigits[] = [];
  #queuedDigits = 0;
  #tick = 0;
  #eventTimestamp = 0;

  /** What sounds in the tick that was asked for last: a digit, and which 20 ms of it; null: nothing. */
  sounding: { digit: string; part: number } | null = null;

  /** True from the first digit to the end of the pause after the last. */
  get active(): boolean {
    return this.#queue.length > 0;
  }

  /** True while a digit has begun and is not over. */
  get inDigit(): boolean {
    return this.#tick > 0;
  }

  /** Resolves when the last digit has left. @throws DtmfError */
  send(digits: string): Promise<void> {
    const codes = Array.from(digits.toUpperCase(), (digit) => DIGITS.indexOf(digit));
    if (codes.length === 0) return Promise.resolve();
    if (codes.includes(-1)) {
      return Promise.reject(new DtmfError('need digits of 0-9*#A-D, got another character'));
    }
    if (this.#queuedDigits + codes.length > MAX_QUEUED_DIGITS) {
      return Promise.reject(
        new DtmfError(
          `need at most ${MAX_QUEUED_DIGITS} digits to be sent, got ${codes.length} on top of ${this.#queuedDigits}`,
        ),
      );
    }
    this.#queuedDigits += codes.length;
    return new Promise((sent, failed) => {
      this.#queue.push({ codes, sent, failed });
    });
  }

  /** The packet of this tick; null in the pause between digits. */
  tick(rtpTimestamp: number, clockRateHz = DEFAULT_CLOCK_RATE_HZ): DtmfEventPacket | null {
    const head = this.#queue[0];
    const code = head?.codes[0];
    if (!head || code === undefined) return null;
    const tick = this.#tick++;
    this.sounding = tick < TONE_PACKETS ? { digit: DIGITS.charAt(code), part: tick } : null;
    if (tick === 0) this.#eventTimestamp = rtpTimestamp;
    if (tick === TONE_PACKETS + PAUSE_PACKETS - 1) this.#next(head);
    if (tick >= TONE_PACKETS - 1 + END_PACKETS) return null;
    const end = tick >= TONE_PACKETS - 1;
    const durationUnits = Math.min(
      (Math.min(tick + 1, TONE_PACKETS) * PACKET_MS * clockRateHz) / 1_000,
      MAX_DURATION_UNITS,
    );
    return {
      payload: Uint8Array.of(
        code,
        (end ? 0x80 : 0) | VOLUME_DBM0,
        durationUnits >> 8,
        durationUnits & 0xff,
      ),
      rtpTimestamp: this.#eventTimestamp,
      marker: tick === 0,
    };
  }

  /** Gives up what has not left; its promises reject with `reason`. */
  abort(reason: string): void {
    this.#tick = 0;
    this.#queuedDigits = 0;
    for (const { failed } of this.#queue.splice(0)) failed(new DtmfError(reason));
  }

  #next(head: QueuedDigits): void {
    this.#tick = 0;
    this.#queuedDigits--;
    head.codes.shift();
    if (head.codes.length > 0) return;
    this.#queue.shift();
    head.sent();
  }
}
