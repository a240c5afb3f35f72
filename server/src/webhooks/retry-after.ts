import type { SafeResponse } from '../egress/safe-fetch.ts';

/** Who wants more has it by the usual schedule: a wrong header must not silence an endpoint. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

const TOO_MANY_REQUESTS = 429;
const UNAVAILABLE = 503;

/**
 * RFC 9110 §10.2.3: seconds or a date after which a receiver wants to be asked again; at most an
 * hour. Null where the answer says nothing that can be used.
 */
export function retryAfterMs(
  { status, headers }: Pick<SafeResponse, 'status' | 'headers'>,
  nowMs: number,
): number | null {
  if (status !== TOO_MANY_REQUESTS && status !== UNAVAILABLE) return null;
  const text = headers['retry-after']?.trim() ?? '';
  if (text === '') return null;
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return waitMs > 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : null;
}
