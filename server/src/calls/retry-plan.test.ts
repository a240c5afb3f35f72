import { describe, expect, it } from 'vitest';
import { retrySchema } from '../agents/retry-schema.ts';
import { END_REASONS } from './end-reasons.ts';
import { planRetry, type EndedCall } from './retry-plan.ts';

const MINUTE_MS = 60_000;

function ended(over: Partial<EndedCall> = {}): EndedCall {
  return {
    direction: 'outbound',
    status: 'no-answer',
    endReason: 'ring-timeout',
    answeredBy: null,
    attempt: 1,
    retry: retrySchema.parse({}),
    ...over,
  };
}

describe('a retry', () => {
  it('comes after 30, then after 60 minutes, and never a fourth time', () => {
    expect(planRetry(ended())).toEqual({ delayMs: 30 * MINUTE_MS, attempt: 2 });
    expect(planRetry(ended({ attempt: 2 }))).toEqual({ delayMs: 60 * MINUTE_MS, attempt: 3 });
    expect(planRetry(ended({ attempt: 3 }))).toBeNull();
  });

  it('keeps to the last interval where there are more attempts than intervals', () => {
    const retry = retrySchema.parse({ intervals_s: [10, 20], max_attempts: 5 });
    expect(planRetry(ended({ retry, attempt: 4 }))).toEqual({ delayMs: 20_000, attempt: 5 });
  });

  it('is for the ends that the policy names', () => {
    const retry = retrySchema.parse({ on: ['busy'] });
    expect(planRetry(ended({ retry }))).toBeNull();
    expect(planRetry(ended({ retry, status: 'busy', endReason: 'user-busy' }))).not.toBeNull();
    expect(planRetry(ended({ retry: null }))).toBeNull();
  });

  it('is never for a decline, a number that does not exist or a block, whatever the policy', () => {
    const retry = retrySchema.parse({ on: ['failed', 'no-answer', 'busy', 'error', 'voicemail'] });
    const failures = Object.keys(END_REASONS).filter(
      (endReason) => planRetry(ended({ retry, status: 'failed', endReason })) !== null,
    );
    expect(failures.sort()).toEqual([
      'carrier-error',
      'channel-limit',
      'congestion',
      'dialog-lost',
      'no-capacity',
      'rejected',
      'request-timeout',
      'trunk-unreachable',
    ]);
  });

  it('does not count a call that the carrier’s limit kept from the person', () => {
    const over = { status: 'failed', endReason: 'channel-limit', attempt: 3 } as const;
    expect(planRetry(ended(over))).toEqual({ delayMs: 30_000, attempt: 3 });
  });

  it('follows a voicemail where the policy says so, and no other answered call', () => {
    const retry = retrySchema.parse({ on: ['voicemail'] });
    const answered = { retry, status: 'completed', endReason: 'agent-goodbye' } as const;
    expect(planRetry(ended(answered))).toBeNull();
    expect(planRetry(ended({ ...answered, answeredBy: 'voicemail' }))).not.toBeNull();
    expect(planRetry(ended({ ...answered, endReason: 'voicemail' }))).not.toBeNull();
  });

  it('is never for a call that came in or that somebody stopped', () => {
    expect(planRetry(ended({ direction: 'inbound' }))).toBeNull();
    expect(planRetry(ended({ status: 'canceled', endReason: 'canceled' }))).toBeNull();
    expect(planRetry(ended({ status: 'stopped', endReason: 'api-stopped' }))).toBeNull();
    expect(planRetry(ended({ status: 'balance-low' }))).toBeNull();
  });
});
