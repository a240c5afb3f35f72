import type { Clock } from '../shared/clock.ts';

/** `w` waits so long, as dialling strings have it. */
const WAIT_MS = 500;

/**
 * Presses keys in order; `w` between them waits half a second. Resolves after the last of them;
 * rejects when the far end takes none.
 */
export async function pressKeys(
  voice: { sendDtmf(digits: string): Promise<void> },
  keys: string,
  options: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  for (const part of keys.match(/[wW]+|[^wW]+/g) ?? []) {
    options.signal.throwIfAborted();
    if (/^w/i.test(part)) await options.clock.sleep(part.length * WAIT_MS, options.signal);
    else await voice.sendDtmf(part.toUpperCase());
  }
}
