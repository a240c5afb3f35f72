import type { SpendPeriod, SpendScope } from '../guardrail-types.ts';
import type { GuardrailSettings } from '../settings.ts';
import { capOf } from './spend-caps.ts';

/** Shares of a cap that are told of. */
export const SPEND_THRESHOLDS_PERCENT = [50, 80, 100] as const;

const PERIODS: readonly SpendPeriod[] = ['hour', 'day', 'month'];

/** Spent and reserved by one workspace, trunk or key, by period. */
export interface ScopeSpend {
  scope: SpendScope;
  scopeId: string;
  hour: number;
  day: number;
  month: number;
}

/** A share of a cap, and whether spending stands at it or beyond. */
export interface SpendThreshold {
  scope: SpendScope;
  scopeId: string;
  period: SpendPeriod;
  thresholdPercent: number;
  spentMicros: number;
  capMicros: number;
  reached: boolean;
}

/**
 * G04: every threshold of every cap that is set. A cap of 0 has none: it closes a door, and nothing
 * can be spent against it.
 */
export function spendThresholds(
  spends: readonly ScopeSpend[],
  caps: GuardrailSettings['spend_caps'],
): SpendThreshold[] {
  return spends.flatMap((spend) =>
    PERIODS.flatMap((period) => {
      const { scope, scopeId } = spend;
      const capMicros = capOf(caps, scope, period);
      if (capMicros === null || capMicros === 0) return [];
      const spentMicros = spend[period];
      return SPEND_THRESHOLDS_PERCENT.map((thresholdPercent) => ({
        scope,
        scopeId,
        period,
        thresholdPercent,
        spentMicros,
        capMicros,
        // Exact beyond what a product of two such numbers holds.
        reached: BigInt(spentMicros) * 100n >= BigInt(capMicros) * BigInt(thresholdPercent),
      }));
    }),
  );
}
