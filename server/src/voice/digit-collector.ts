import type { Clock, TimerHandle } from '../shared/clock.ts';

export interface DigitCollectorOptions {
  clock: Clock;
  /** How many digits the dialogue waits for; 0: not known. Asked at each digit. */
  maxDigits: () => number;
  onEntered: (digits: string) => void;
}

/** Pause after which an entry is complete. */
const INTER_DIGIT_MS = 3_000;
const LONGEST_ENTRY = 64;

/** Makes entries out of keys: complete at the wanted length, at `#`, or after 3 s without a key. */
export class DigitCollector {
  readonly #options: DigitCollectorOptions;
  #digits = '';
  #timer: TimerHandle | undefined;

  constructor(options: DigitCollectorOptions) {
    this.#options = options;
  }

  /** Keys are waiting for more. */
  get collecting(): boolean {
    return this.#digits !== '';
  }

  push(digit: string): void {
    this.#timer?.cancel();
    if (digit === '#' && this.#digits !== '') {
      this.#complete();
      return;
    }
    this.#digits += digit;
    const wanted = this.#options.maxDigits();
    // A lone `#` is an answer of its own; so is any key where one key is wanted.
    const enough = wanted > 0 ? this.#digits.length >= wanted : this.#digits === '#';
    if (enough || this.#digits.length >= LONGEST_ENTRY) this.#complete();
    else this.#timer = this.#options.clock.setTimer(INTER_DIGIT_MS, () => this.#complete());
  }

  /** Forgets what was entered. */
  clear(): void {
    this.#timer?.cancel();
    this.#digits = '';
  }

  #complete(): void {
    const digits = this.#digits;
    this.clear();
    if (digits !== '') this.#options.onEntered(digits);
  }
}
