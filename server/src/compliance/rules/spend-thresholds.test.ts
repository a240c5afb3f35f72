import { describe, expect, it } from 'vitest';
import { defaultGuardrailSettings } from '../settings.ts';
import { spendThresholds } from './spend-thresholds.ts';

const none = { hour_micros: null, day_micros: null, month_micros: null };

function reached(micros: number, hourCap: number | null): number[] {
  const caps = {
    ...defaultGuardrailSettings.spend_caps,
    trunk: { ...none, hour_micros: hourCap },
  };
  const spend = {
    scope: 'trunk',
    scopeId: 'trunk_1',
    hour: micros,
    day: 9e15,
    month: 9e15,
  } as const;
  return spendThresholds([spend], caps)
    .filter((threshold) => threshold.reached)
    .map(({ thresholdPercent }) => thresholdPercent);
}

describe('G04: thresholds of a cap', () => {
  it.each([
    [499, 1_000, []],
    [500, 1_000, [50]],
    [799, 1_000, [50]],
    [800, 1_000, [50, 80]],
    [1_000, 1_000, [50, 80, 100]],
    [7, 7, [50, 80, 100]],
    [999_999_999_999_999, 1_000_000_000_000_000, [50, 80]],
    [5, 0, []],
    [5, null, []],
  ])('%d of %s reaches %j', (micros, cap, expected) => {
    expect(reached(micros, cap)).toEqual(expected);
  });
});
