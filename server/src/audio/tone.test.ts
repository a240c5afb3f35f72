import { describe, expect, it } from 'vitest';
import { goertzelShare } from './goertzel.ts';
import { BEEP, BUSY, dtmfTone, RINGBACK, tone } from './tone.ts';

describe('tones', () => {
  it.each([
    ['ringback', RINGBACK, 6_000, [440, 480]],
    ['busy', BUSY, 1_000, [480, 620]],
    ['beep', BEEP, 400, [1_000]],
  ] as const)(
    '%s lasts as long and sounds as high as it should',
    (_name, plan, ms, frequenciesHz) => {
      const samples = tone(plan);
      expect(samples.length).toBe(ms * 8);
      const sounding = samples.subarray(400, 2_800);
      const shares = frequenciesHz.map((hz) => goertzelShare(sounding, hz, 8_000));
      for (const share of shares) expect(share).toBeCloseTo(1 / frequenciesHz.length, 1);
    },
  );

  it('is silent in its pauses', () => {
    expect(
      tone(RINGBACK)
        .subarray(16_000)
        .every((sample) => sample === 0),
    ).toBe(true);
  });

  it('begins and ends without a click, and keeps below its level', () => {
    const samples = tone([{ frequenciesHz: [1_000, 2_000], durationMs: 100, levelDbfs: -6 }]);
    const peak = Math.max(...samples.map(Math.abs));
    expect(peak).toBeLessThanOrEqual(Math.round(32_767 / 2) + 60);
    expect(Math.abs(samples[0] ?? 1)).toBe(0);
    expect(Math.abs(samples.at(-1) ?? 1)).toBe(0);
    expect(Math.max(...samples.subarray(0, 8).map(Math.abs))).toBeLessThan(peak / 4);
  });

  it('ITU-T Q.23: 5 is 770 and 1336 Hz, at any sample rate', () => {
    for (const rateHz of [8_000, 16_000]) {
      const samples = dtmfTone('5', 100, rateHz) ?? new Int16Array(0);
      expect(samples.length).toBe(rateHz / 10);
      expect(goertzelShare(samples, 770, rateHz)).toBeCloseTo(0.5, 1);
      expect(goertzelShare(samples, 1_336, rateHz)).toBeCloseTo(0.5, 1);
    }
  });

  it.each(['', 'E', '12', ' ', '0#'])('there is no key "%s"', (digit) => {
    expect(dtmfTone(digit)).toBeNull();
  });
});
