import type { Clock } from '../../shared/clock.ts';
import { ProviderError } from '../provider-error.ts';

const RETRY_PAUSE_MS = 200;

export interface RetryOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Somebody else can be asked instead: silence is not waited for a second time. Default false. */
  hasNext?: boolean | undefined;
}

/** Whether a failure is worth a second try: it may pass, and the caller has not waited for long. */
export function isWorthRetry(
  error: unknown,
  { hasNext = false }: { hasNext?: boolean | undefined },
): boolean {
  if (!(error instanceof ProviderError) || !error.retryable) return false;
  return !(hasNext && error.kind === 'timeout');
}

/** A stream that is begun once more when it failed before it gave anything, and that may pass. */
export async function* streamWithRetry<T>(
  attempt: () => AsyncIterable<T>,
  options: RetryOptions,
): AsyncGenerator<T, void, void> {
  for (let isRetry = false; ; isRetry = true) {
    let hasGiven = false;
    try {
      for await (const item of attempt()) {
        hasGiven = true;
        yield item;
      }
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      if (hasGiven || isRetry || !isWorthRetry(error, options)) throw error;
    }
    await options.clock.sleep(RETRY_PAUSE_MS, options.signal);
  }
}

/** A question that is asked once more when its failure may pass. */
export async function askWithRetry<T>(
  attempt: () => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    options.signal.throwIfAborted();
    if (!isWorthRetry(error, options)) throw error;
  }
  await options.clock.sleep(RETRY_PAUSE_MS, options.signal);
  return attempt();
}
