import { refuse, type Refusal } from '../guardrail-types.ts';
import type { GuardrailSettings } from '../settings.ts';

/** One earlier call to the number, over whatever trunk. */
export interface EarlierAttempt {
  atMs: number;
  outcome: 'answered' | 'no-answer' | 'busy' | 'declined' | 'live';
}

const DAY_MS = 86_400_000;

/**
 * G23: so many attempts in 24 hours and in 7 days, and a pause after each that came to nothing.
 * @param attempts newest first, of the last 7 days.
 */
export function checkAttempts(
  attempts: readonly EarlierAttempt[],
  limits: GuardrailSettings['attempts'],
  nowMs: number,
): Refusal | null {
  return (
    checkCount(attempts, limits.per_24_hours, DAY_MS, '24 hours', nowMs) ??
    checkCount(attempts, limits.per_7_days, 7 * DAY_MS, '7 days', nowMs) ??
    checkGap(attempts, limits, nowMs)
  );
}

function checkCount(
  attempts: readonly EarlierAttempt[],
  max: number | null,
  periodMs: number,
  period: string,
  nowMs: number,
): Refusal | null {
  if (max === null) return null;
  const recent = attempts.filter(({ atMs }) => atMs > nowMs - periodMs);
  if (recent.length < max) return null;
  // The oldest of the newest `max` has to leave the period.
  const oldest = recent[max - 1];
  return refuse(
    'G23',
    'too-many-attempts',
    `the number was called ${recent.length} times in ${period} and ${max} is the limit over all trunks and campaigns; wait, or raise attempts of /v1/guardrails where the law allows it`,
    oldest ? new Date(oldest.atMs + periodMs) : null,
  );
}

function checkGap(
  attempts: readonly EarlierAttempt[],
  limits: GuardrailSettings['attempts'],
  nowMs: number,
): Refusal | null {
  const [last] = attempts;
  const gapS = last ? gapAfter(attempts, last.outcome, limits) : 0;
  if (!last || last.atMs + gapS * 1_000 <= nowMs) return null;
  return refuse(
    'G23',
    'too-soon',
    `the last attempt ended with ${last.outcome}, and the next one may follow ${gapS} s after it`,
    new Date(last.atMs + gapS * 1_000),
  );
}

function gapAfter(
  attempts: readonly EarlierAttempt[],
  outcome: EarlierAttempt['outcome'],
  limits: GuardrailSettings['attempts'],
): number {
  switch (outcome) {
    case 'answered':
    case 'live':
      return 0;
    case 'no-answer':
      return limits.gap_after_no_answer_s;
    case 'declined':
      return limits.gap_after_declined_s;
    case 'busy': {
      const firstOther = attempts.findIndex((attempt) => attempt.outcome !== 'busy');
      const inARow = firstOther === -1 ? attempts.length : firstOther;
      const gaps = limits.gap_after_busy_s;
      return gaps[Math.min(inARow, gaps.length) - 1] ?? 0;
    }
  }
}
