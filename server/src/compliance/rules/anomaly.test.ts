import { describe, expect, it } from 'vitest';
import { defaultGuardrailSettings } from '../settings.ts';
import { anomalySignals, type AnomalyFacts } from './anomaly.ts';

const limits = defaultGuardrailSettings.anomaly;
/** Saturday, 3:20 UTC. */
const NIGHT = Date.UTC(2026, 10, 21, 3, 20);
const USUAL: AnomalyFacts = {
  calls: 50,
  answered: 30,
  short: 3,
  recentNumbers: [],
  spoken: [],
  lastHour: 0,
  weekHours: [],
};

function codes(facts: Partial<AnomalyFacts>, extra: Partial<typeof limits> = {}): string[] {
  return anomalySignals({ ...USUAL, ...facts }, { ...limits, ...extra }, NIGHT).map(
    ({ code }) => code,
  );
}

describe('G07: signals', () => {
  it.each([
    ['usual traffic', {}, []],
    ['a fifth of short calls', { short: 10 }, []],
    ['more than a fifth of short calls', { short: 11 }, ['short-calls']],
    ['too few answers', { answered: 9 }, ['low-answer-rate']],
    ['a sample that is too small', { calls: 49, answered: 0, short: 49 }, []],
  ])('%s', (_name, facts, expected) => {
    expect(codes(facts)).toEqual(expected);
  });

  it('knows a block of numbers that somebody works through, in any order', () => {
    const numbers = Array.from({ length: 10 }, (_each, n) => `+1415555010${(n * 7) % 10}`);
    expect(codes({ recentNumbers: numbers })).toEqual(['sequential-numbers']);
    expect(codes({ recentNumbers: numbers.slice(1) })).toEqual([]);
  });

  it('compares the hour’s minutes to a country with an hour of the week before', () => {
    const hourS = 3_600;
    const spoken = (weekS: number) => [
      { number: '+37121234567', hourS: hourS / 2, weekS: weekS / 2 },
      { number: '+37129234567', hourS: hourS / 2, weekS: weekS / 2 },
    ];
    expect(codes({ spoken: spoken(hourS + 168 * 1_199) })).toEqual(['country-minutes']);
    expect(codes({ spoken: spoken(hourS + 168 * 1_201) })).toEqual([]);
    expect(codes({ spoken: [{ number: '+37121234567', hourS: 1_700, weekS: 1_700 }] })).toEqual([]);
  });

  it('says nothing where it is off', () => {
    expect(codes({ short: 50 }, { action: 'off' })).toEqual([]);
  });

  describe('calls outside usual hours', () => {
    /** The same calls at the same hours (UTC) of each of the days before. */
    const week = (days: number, ...hours: [hour: number, calls: number][]) =>
      Array.from({ length: days }, (_each, n) =>
        hours.map(([hour, calls]) => ({
          startedAtMs: Date.UTC(2026, 10, 20 - n, hour),
          calls,
        })),
      ).flat();
    const office = week(5, [9, 100], [14, 100]);

    it('are told when this hour and its neighbours saw next to none in a week', () => {
      const facts = { lastHour: 10, weekHours: office };
      expect(codes(facts)).toEqual(['unusual-hours']);
      expect(anomalySignals({ ...USUAL, ...facts }, limits, NIGHT)[0]?.message).toBe(
        '10 calls left in the last hour; around 3:00 UTC only 0 of 1000 did in the week before',
      );
    });

    it.each([
      ['1 % in the hour itself', [3, 2], ['unusual-hours']],
      ['more than 1 % in the hour itself', [3, 3], []],
      ['more than 1 % in the hour before', [2, 3], []],
      ['more than 1 % in the hour after', [4, 3], []],
      ['more than 1 % two hours later', [5, 3], ['unusual-hours']],
    ] as const)('with %s', (_name, night, expected) => {
      expect(codes({ lastHour: 10, weekHours: week(5, [9, 200], [...night]) })).toEqual(expected);
    });

    it('are not told of a few calls, of a short history, or of one that is small', () => {
      expect(codes({ lastHour: 9, weekHours: office })).toEqual([]);
      expect(codes({ lastHour: 10, weekHours: week(2, [9, 500]) })).toEqual([]);
      expect(codes({ lastHour: 10, weekHours: week(3, [9, 500]) })).toEqual(['unusual-hours']);
      expect(codes({ lastHour: 10, weekHours: week(7, [9, 7]) })).toEqual([]);
    });

    it('are judged as the workspace wants it', () => {
      const facts = { lastHour: 10, weekHours: week(5, [9, 200], [3, 3]) };
      expect(codes(facts, { unusual_hour_share: 0.02 })).toEqual(['unusual-hours']);
      expect(codes({ ...facts, weekHours: office }, { unusual_hour_calls: 11 })).toEqual([]);
      expect(codes({ ...facts, weekHours: office }, { unusual_hour_calls: null })).toEqual([]);
      expect(codes({ ...facts, weekHours: office }, { unusual_hour_days: 6 })).toEqual([]);
    });

    it('knows the neighbours of midnight', () => {
      const midnight = (weekHours: AnomalyFacts['weekHours']) =>
        anomalySignals({ ...USUAL, lastHour: 10, weekHours }, limits, Date.UTC(2026, 10, 21, 0, 5));
      expect(midnight(week(5, [12, 100], [23, 2]))).toEqual([]);
      expect(midnight(week(5, [12, 100], [22, 2]))).toHaveLength(1);
    });
  });
});
