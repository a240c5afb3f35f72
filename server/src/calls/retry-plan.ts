import { retrySchema, type RetryOutcome, type RetryPolicy } from '../agents/retry-schema.ts';
import type { CallStatus } from './call-status.ts';

/** Failures that another call at another time may not meet. All others are for good. */
const PASSING_FAILURES: ReadonlySet<string> = new Set([
  'congestion',
  'carrier-error',
  'channel-limit',
  'trunk-unreachable',
  'request-timeout',
  'dialog-lost',
  'no-capacity',
  'rejected',
]);
/** The carrier took none of it: the person was not called, so it does not count. */
const UNCOUNTED: ReadonlySet<string> = new Set(['channel-limit']);
const UNCOUNTED_DELAY_S = 30;

/** An ended call, as far as its retry depends on it. */
export interface EndedCall {
  direction: 'outbound' | 'inbound';
  status: CallStatus;
  endReason: string | null;
  answeredBy: string | null;
  attempt: number;
  retry: unknown;
}

export interface PlannedRetry {
  delayMs: number;
  /** Number of the next call among all of them. */
  attempt: number;
}

/** Whether, and after how long, the person is called again; null: never. */
export function planRetry(call: EndedCall): PlannedRetry | null {
  const policy = policyOf(call);
  const outcome = policy && outcomeOf(call);
  if (!policy || outcome === null || !policy.on.includes(outcome)) return null;
  if (call.endReason !== null && UNCOUNTED.has(call.endReason)) {
    return { delayMs: UNCOUNTED_DELAY_S * 1_000, attempt: call.attempt };
  }
  if (call.attempt >= policy.max_attempts) return null;
  const at = Math.min(call.attempt, policy.intervals_s.length) - 1;
  return { delayMs: (policy.intervals_s[at] ?? 0) * 1_000, attempt: call.attempt + 1 };
}

function policyOf({ direction, retry }: EndedCall): RetryPolicy | null {
  if (direction !== 'outbound' || retry === null || retry === undefined) return null;
  return retrySchema.safeParse(retry).data ?? null;
}

function outcomeOf({ status, endReason, answeredBy }: EndedCall): RetryOutcome | null {
  switch (status) {
    case 'no-answer':
    case 'busy':
      return status;
    // A decline (603) is never retried by itself, nor what the next call would meet again.
    case 'failed':
      return endReason !== null && PASSING_FAILURES.has(endReason) ? 'failed' : null;
    case 'error':
      return 'error';
    case 'completed':
      return answeredBy === 'voicemail' || endReason === 'voicemail' ? 'voicemail' : null;
    default:
      return null;
  }
}
