import type { DigitsRequest } from '../agents/tools/tool-host.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';

/** What stands on record for a key that nobody is to read. */
export const MASKED_DIGIT = 'x';

interface Collecting {
  request: DigitsRequest;
  digits: string;
  timer: TimerHandle;
  finish: () => void;
}

/** Keys that a tool waits for: they are no turn of the caller's. */
export class ToolDigits {
  readonly #clock: Clock;
  #collecting: Collecting | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves at the wanted length, at `#`, when no key comes in time, or when it is stopped: with
   * what was entered by then. Another wait ends the one before.
   */
  collect(request: DigitsRequest): Promise<string> {
    this.#collecting?.finish();
    if (request.signal.aborted) return Promise.resolve('');
    return new Promise((resolve) => {
      const finish = (): void => {
        collecting.timer.cancel();
        request.signal.removeEventListener('abort', finish);
        if (this.#collecting === collecting) this.#collecting = null;
        resolve(collecting.digits);
      };
      const collecting: Collecting = {
        request,
        digits: '',
        finish,
        timer: this.#arm(request, finish),
      };
      request.signal.addEventListener('abort', finish, { once: true });
      this.#collecting = collecting;
    });
  }

  /** A key of the far end. @returns what goes on record for it; null: no tool waits for keys. */
  push(digit: string): string | null {
    const collecting = this.#collecting;
    if (!collecting) return null;
    const { request } = collecting;
    collecting.timer.cancel();
    if (digit === '#') {
      collecting.finish();
      return digit;
    }
    collecting.digits += digit;
    if (collecting.digits.length >= request.maxDigits) collecting.finish();
    else collecting.timer = this.#arm(request, collecting.finish);
    return request.masked ? MASKED_DIGIT : digit;
  }

  #arm({ timeoutMs }: DigitsRequest, finish: () => void): TimerHandle {
    return this.#clock.setTimer(timeoutMs, finish);
  }
}
