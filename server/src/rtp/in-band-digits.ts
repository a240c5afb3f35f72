import { digitOfTone, dtmfDetector } from '../audio/goertzel.ts';

/** ITU-T Q.24: a pause of 40 ms is one between two keys; with less, a tone was only torn. */
const MIN_PAUSE_MS = 40;

/** How long a tone has sounded when it is told. */
const TOLD_AFTER_MS = 40;

/**
 * Keys that are heard as tones (ITU-T Q.23, Q.24), for a far end without telephone-event. A digit is
 * told once, 40 ms after its tone began, also where packets in it are missing: what did not come is
 * not handed in, so that a tone goes on behind the gap.
 */
export class InBandDigits {
  readonly #onDigit: (digit: string, durationMs: number) => void;
  readonly #tones = dtmfDetector();
  #last: { digit: string; endMs: number } | null = null;

  constructor(onDigit: (digit: string, durationMs: number) => void) {
    this.#onDigit = onDigit;
  }

  /** Takes audio in order, as it came. */
  push(samples: Int16Array): void {
    for (const event of this.#tones.process(samples)) {
      const digit = digitOfTone(event.frequenciesHz);
      if (digit === null) continue;
      const atMs = event.atMs;
      if (event.type === 'end') {
        this.#last = { digit, endMs: atMs };
        continue;
      }
      const isTorn = this.#last?.digit === digit && atMs - this.#last.endMs < MIN_PAUSE_MS;
      if (!isTorn) this.#onDigit(digit, TOLD_AFTER_MS);
    }
  }
}
