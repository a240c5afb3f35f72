/** A digit may be told by the audio and by the signalling; the later one comes within this. */
const SAME_PRESS_MS = 1_500;
const MAX_REMEMBERED = 64;

export type DigitSource = 'media' | 'signalling';

/**
 * Digits of a far end that may tell each of them twice, as telephone-event or tone and as SIP INFO:
 * one press counts once, whichever comes first.
 */
export class DigitSources {
  /** Presses that only one side has told of. */
  #told: { digit: string; source: DigitSource; atMs: number }[] = [];

  /** Whether a digit is a press of its own. */
  isNew(digit: string, source: DigitSource, nowMs: number): boolean {
    this.#told = this.#told.filter(({ atMs }) => nowMs - atMs < SAME_PRESS_MS);
    const other = this.#told.findIndex((one) => one.digit === digit && one.source !== source);
    if (other >= 0) {
      this.#told.splice(other, 1);
      return false;
    }
    this.#told.push({ digit, source, atMs: nowMs });
    if (this.#told.length > MAX_REMEMBERED) this.#told.shift();
    return true;
  }
}
