import { refuse, type Refusal, type SpendPeriod, type SpendScope } from '../guardrail-types.ts';
import type { GuardrailSettings } from '../settings.ts';

/** Spent and reserved in one scope and period. */
export interface Spend {
  scope: SpendScope;
  period: SpendPeriod;
  micros: number;
}

/** When each period began: periods are UTC hours, days and months. */
export function periodStarts(nowMs: number): Record<SpendPeriod, number> {
  const now = new Date(nowMs);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  return {
    hour: Date.UTC(year, month, day, now.getUTCHours()),
    day: Date.UTC(year, month, day),
    month: Date.UTC(year, month),
  };
}

/** The same as dates, as counts are asked for. */
export function spendSince(nowMs: number): Record<SpendPeriod | 'now', Date> {
  const { month, day, hour } = periodStarts(nowMs);
  return {
    month: new Date(month),
    day: new Date(day),
    hour: new Date(hour),
    now: new Date(nowMs),
  };
}

/** When the next period of the kind begins. */
export function nextPeriod(period: SpendPeriod, nowMs: number): Date {
  const { hour, day, month } = periodStarts(nowMs);
  if (period === 'hour') return new Date(hour + 3_600_000);
  if (period === 'day') return new Date(day + 86_400_000);
  const start = new Date(month);
  return new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1));
}

export function capOf(
  caps: GuardrailSettings['spend_caps'],
  scope: SpendScope,
  period: SpendPeriod,
): number | null {
  const cap = caps[scope];
  return { hour: cap.hour_micros, day: cap.day_micros, month: cap.month_micros }[period];
}

/** Whether any cap is set: without one nothing is counted. */
export function hasSpendCap(caps: Partial<GuardrailSettings['spend_caps']>): boolean {
  return Object.values(caps).some(
    (cap) => cap.hour_micros !== null || cap.day_micros !== null || cap.month_micros !== null,
  );
}

/** What one call adds to what was spent, and when. */
export interface SpendRequest {
  /** Of the call itself; 0: not known. */
  reserveMicros: number;
  nowMs: number;
  /** The call begins then; a period that is over by then has been spent for others. */
  atMs?: number;
}

/**
 * G04: what was spent, what live calls have reserved and what this call reserves stay within each
 * cap. A cap that is exactly used up is reached, also for a call whose reserve is not known.
 */
export function checkSpend(
  spends: readonly Spend[],
  caps: GuardrailSettings['spend_caps'],
  { reserveMicros, nowMs, atMs = nowMs }: SpendRequest,
): Refusal | null {
  for (const { scope, period, micros } of spends) {
    const cap = capOf(caps, scope, period);
    if (cap === null) continue;
    const isLater = nextPeriod(period, nowMs).getTime() <= atMs;
    const spentMicros = isLater ? 0 : micros;
    if (spentMicros < cap && spentMicros + reserveMicros <= cap) continue;
    const state =
      spentMicros < cap
        ? `has no room for the ${reserveMicros} micros that this call reserves`
        : 'is reached';
    const refusal = refuse(
      'G04',
      'spend-cap',
      `the ${scope}’s spend cap of ${cap} micros a ${period} ${state} (spent and reserved: ${spentMicros}); wait for the next ${period} or raise spend_caps.${scope}.${period}_micros of /v1/guardrails`,
      nextPeriod(period, Math.max(nowMs, atMs)),
    );
    // Nothing is told of a period that has not begun.
    if (isLater) return refusal;
    const periodStartedAtMs = periodStarts(nowMs)[period];
    return {
      ...refusal,
      stoppedBy: { scope, period, periodStartedAtMs, spentMicros, capMicros: cap },
    };
  }
  return null;
}
