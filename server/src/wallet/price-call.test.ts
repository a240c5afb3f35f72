import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RatePrice } from '../db/queries/rates.ts';
import { costWithin, priceCall, type CallUsage } from './price-call.ts';

const providers = {
  platform: 'trunkline',
  network: 'trunk_1',
  transcriber: 'local',
  model: 'openai',
  synthesizer: 'local',
};
const usage: CallUsage = {
  durationMs: 90_000,
  sttMs: 30_000,
  ttsCharacters: 120,
  llmInputTokens: 1_000,
  llmOutputTokens: 50,
};
const rates: RatePrice[] = [
  { kind: 'platform', provider: '*', prefix: '', unit: 'minute', microsPerUnit: 10_000 },
  { kind: 'network', provider: '*', prefix: '', unit: 'minute', microsPerUnit: 7_000 },
  { kind: 'network', provider: 'trunk_1', prefix: '', unit: 'minute', microsPerUnit: 4_001 },
  { kind: 'transcriber', provider: 'deepgram', prefix: '', unit: 'minute', microsPerUnit: 9_999 },
  { kind: 'model', provider: 'openai', prefix: '', unit: 'input_token', microsPerUnit: 2 },
  { kind: 'model', provider: 'openai', prefix: '', unit: 'output_token', microsPerUnit: 8 },
  { kind: 'synthesizer', provider: 'local', prefix: '', unit: 'character', microsPerUnit: 3 },
];

describe('the cost of a call', () => {
  it('is rates times usage, a provider’s own rate before the general one', () => {
    expect(priceCall(usage, providers, rates)).toEqual({
      total_micros: 15_000 + 6_002 + 0 + 2_400 + 360,
      lines: [
        { kind: 'platform', provider: 'trunkline', micros: 15_000 },
        { kind: 'network', provider: 'trunk_1', micros: 6_002 },
        { kind: 'transcriber', provider: 'local', micros: 0 },
        { kind: 'model', provider: 'openai', micros: 2_400 },
        { kind: 'synthesizer', provider: 'local', micros: 360 },
      ],
    });
  });

  it('within a limit is taken off its last lines first', () => {
    const cost = priceCall(usage, providers, rates);
    expect(costWithin(cost, 100_000)).toEqual(cost);
    const cut = costWithin(cost, 16_000);
    expect(cut.total_micros).toBe(16_000);
    expect(cut.lines.map(({ micros }) => micros)).toEqual([15_000, 1_000, 0, 0, 0]);
    expect(costWithin(cost, 0).total_micros).toBe(0);
  });

  it.each([
    ['+4915112345678', 'trunk_1', 300],
    ['+4930123456', 'trunk_1', 200],
    ['+14155550123', 'trunk_1', 100],
    ['+4915112345678', 'trunk_2', 20],
    ['+14155550123', 'trunk_2', 0],
  ])(
    'to %s over %s takes the longest prefix of the trunk’s own rates first',
    (to, network, micros) => {
      const byNetwork = { kind: 'network', unit: 'minute' } as const;
      const prefixed: RatePrice[] = [
        { ...byNetwork, provider: 'trunk_1', prefix: '', microsPerUnit: 100 },
        { ...byNetwork, provider: 'trunk_1', prefix: '49', microsPerUnit: 200 },
        { ...byNetwork, provider: 'trunk_1', prefix: '4915', microsPerUnit: 300 },
        { ...byNetwork, provider: '*', prefix: '49', microsPerUnit: 20 },
      ];
      const minute = { ...usage, durationMs: 60_000 };
      expect(priceCall(minute, { ...providers, network }, prefixed, to).total_micros).toBe(micros);
    },
  );

  it('is nothing where there are no rates', () => {
    expect(priceCall(usage, providers, []).total_micros).toBe(0);
  });

  it('stays exact where floating point would not', () => {
    const dear: RatePrice[] = [
      { kind: 'platform', provider: '*', prefix: '', unit: 'minute', microsPerUnit: 9_007_199_254 },
    ];
    const long = { ...usage, durationMs: 14_400_001 };
    expect(priceCall(long, providers, dear).total_micros).toBe(2_161_727_971_080);
  });

  it('is a whole number that is the sum of its lines, for any usage', () => {
    const count = fc.nat(10_000_000);
    fc.assert(
      fc.property(
        fc.record({
          durationMs: fc.double({ min: 0, max: 14_400_000, noNaN: true }),
          sttMs: fc.double({ min: 0, max: 14_400_000, noNaN: true }),
          ttsCharacters: count,
          llmInputTokens: count,
          llmOutputTokens: count,
        }),
        (any) => {
          const cost = priceCall(any, providers, rates);
          expect(Number.isSafeInteger(cost.total_micros)).toBe(true);
          expect(cost.lines.reduce((sum, line) => sum + line.micros, 0)).toBe(cost.total_micros);
        },
      ),
    );
  });
});
