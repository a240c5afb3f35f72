import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;

/**
 * Errors that say something about the database's state, not about the statement: connection (08),
 * serialisation and deadlock (40), resources (53), operator intervention (57), system (58).
 */
const PASSING_STATES = /^(08|40|53|57|58)/;

/** Whether the same write may succeed once the database is back. */
export function isPassingFailure(error: unknown): boolean {
  // A mistake in a value: it is the same the next time.
  if (error instanceof TypeError || error instanceof RangeError) return false;
  const code = (error as { code?: unknown }).code;
  // What has no SQLSTATE of five characters comes from the socket or from the pool.
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return true;
  return PASSING_STATES.test(code);
}

/**
 * Runs a write until the database takes it: what happened to a call must not be lost because the
 * database was away for a minute. `write` must be harmless when an earlier run was committed and
 * only its answer was lost.
 * @throws what cannot pass, and whatever failed last once `signal` is aborted.
 */
export async function retryWrite<T>(
  options: { clock: Clock; logger: Logger; signal: AbortSignal },
  write: () => Promise<T>,
): Promise<T> {
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(MAX_DELAY_MS, delayMs * 2)) {
    try {
      return await write();
    } catch (error) {
      if (!isPassingFailure(error) || options.signal.aborted) throw error;
      options.logger.warn({ err: error, delayMs }, 'a write failed and will be done again');
    }
    await options.clock.sleep(delayMs, options.signal);
  }
}
