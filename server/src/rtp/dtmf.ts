/** RFC 4733 §3.2 table 3: event codes 0 to 15. */
const DIGITS = '0123456789*#ABCD';
const EVENT_BYTES = 4;
const SAMPLES_PER_MS = 8;
const PACKET_SAMPLES = 160;
const VOLUME_DBM0 = 10;
const TONE_PACKETS = 5;
const PAUSE_PACKETS = 3;
const END_PACKETS = 3;
const MAX_QUEUED_DIGITS = 256;

/** What a digit that is no key is answered with. */
export class DtmfError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DtmfError';
  }
}

/**
 * Digits of the far end (RFC 4733 §2.5.1.3): the packets of one event share a timestamp; the event
 * counts once, at its end bit, or, when all three ends were lost, at the next event or silence.
 */
export class DtmfReceiver {
  readonly #onDigit: (digit: string, durationMs: number) => void;
  #eventTimestamp = -1;
  #reported = true;
  #digit = '';
  #durationMs = 0;

  constructor(onDigit: (digit: string, durationMs: number) => void) {
    this.#onDigit = onDigit;
  }

  /** False where the payload is no event that we know. */
  push(payload: Uint8Array, rtpTimestamp: number): boolean {
    const [code = 255, flags = 0, high = 0, low = 0] = payload;
    const digit = DIGITS.charAt(code);
    if (payload.length < EVENT_BYTES || digit === '') return false;
    if (rtpTimestamp !== this.#eventTimestamp) {
      this.finish();
      this.#eventTimestamp = rtpTimestamp;
      this.#reported = false;
      this.#digit = digit;
    }
    this.#durationMs = ((high << 8) | low) / SAMPLES_PER_MS;
    if (flags & 0x80) this.finish();
    return true;
  }

  /** Audio again, or nothing for a while: an event whose end was lost is over. */
  finish(): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#onDigit(this.#digit, this.#durationMs);
  }
}

/** One telephone-event packet to be sent. */
export interface DtmfPacket {
  payload: Uint8Array;
  /** The event's, the same for all its packets. */
  rtpTimestamp: number;
  marker: boolean;
}

interface QueuedDigits {
  codes: number[];
  sent: () => void;
}

/** Digits to the far end: 100 ms each, 60 ms apart, every end sent three times (RFC 4733 §2.5.1.4). */
export class DtmfSender {
  readonly #queue: QueuedDigits[] = [];
  #packet = 0;
  #eventTimestamp = 0;

  get active(): boolean {
    return this.#queue.length > 0;
  }

  /** Resolves when the last digit has left. @throws DtmfError */
  send(digits: string): Promise<void> {
    const codes = Array.from(digits.toUpperCase(), (digit) => DIGITS.indexOf(digit));
    if (codes.length === 0) return Promise.resolve();
    if (codes.length > MAX_QUEUED_DIGITS || codes.includes(-1)) {
      return Promise.reject(
        new DtmfError(`need 1 to ${MAX_QUEUED_DIGITS} digits of 0-9*#A-D, got "${digits}"`),
      );
    }
    return new Promise((resolve) => {
      this.#queue.push({ codes, sent: resolve });
    });
  }

  /** The packets of this tick; none in the pause between digits. */
  tick(rtpTimestamp: number): DtmfPacket[] {
    const head = this.#queue[0];
    const code = head?.codes[0];
    if (!head || code === undefined) return [];
    const packet = this.#packet++;
    if (packet === 0) this.#eventTimestamp = rtpTimestamp;
    if (packet < TONE_PACKETS) {
      const last = packet === TONE_PACKETS - 1;
      const payload = Uint8Array.of(code, (last ? 0x80 : 0) | VOLUME_DBM0, 0, 0);
      const duration = (packet + 1) * PACKET_SAMPLES;
      payload[2] = duration >> 8;
      payload[3] = duration & 0xff;
      return Array.from({ length: last ? END_PACKETS : 1 }, () => ({
        payload,
        rtpTimestamp: this.#eventTimestamp,
        marker: packet === 0,
      }));
    }
    if (packet >= TONE_PACKETS + PAUSE_PACKETS - 1) {
      this.#packet = 0;
      head.codes.shift();
      if (head.codes.length === 0) {
        this.#queue.shift();
        head.sent();
      }
    }
    return [];
  }

  /** The call is over: what is queued counts as done. */
  close(): void {
    for (const { sent } of this.#queue.splice(0)) sent();
  }
}
