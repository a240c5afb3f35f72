import { describe, expect, it } from 'vitest';
import { downsampleByTwo, upsampleByTwo } from './half-band.ts';

const sine = (hz: number, rateHz: number, length: number): Int16Array =>
  Int16Array.from({ length }, (_, n) =>
    Math.round(10_000 * Math.sin((2 * Math.PI * hz * n) / rateHz)),
  );
const rms = (samples: Iterable<number>): number => {
  const list = [...samples];
  return Math.sqrt(list.reduce((sum, s) => sum + s * s, 0) / list.length);
};

describe('half-band filters', () => {
  it.each([300, 1_000, 3_000])('keep the level of %i Hz in both directions', (hz) => {
    const up = upsampleByTwo(sine(hz, 8_000, 4_000));
    expect(up).toHaveLength(8_000);
    expect(rms(up.subarray(200, 7_800)) * 32_768).toBeCloseTo(10_000 / Math.SQRT2, -2);
    const down = downsampleByTwo(sine(hz, 16_000, 8_000));
    expect(down).toHaveLength(4_000);
    expect(rms(down.subarray(200, 3_800)) / (10_000 / Math.SQRT2)).toBeCloseTo(1, 1);
  });

  it('keep what the lower rate cannot carry from folding back', () => {
    const folded = downsampleByTwo(sine(6_000, 16_000, 8_000)).subarray(200, 3_800);
    expect(rms(folded)).toBeLessThan(10_000 / 100);
  });
});
