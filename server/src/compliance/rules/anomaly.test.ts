import { describe, expect, it } from 'vitest';
import { defaultGuardrailSettings } from '../settings.ts';
import { anomalySignals, type AnomalyFacts } from './anomaly.ts';

const limits = defaultGuardrailSettings.anomaly;
const USUAL: AnomalyFacts = { calls: 50, answered: 30, short: 3, recentNumbers: [], spoken: [] };

function codes(facts: Partial<AnomalyFacts>, extra: Partial<typeof limits> = {}): string[] {
  return anomalySignals({ ...USUAL, ...facts }, { ...limits, ...extra }).map(({ code }) => code);
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
});
