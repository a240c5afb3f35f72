import { describe, expect, it } from 'vitest';
import { goertzelShare } from './goertzel.ts';
import { levelDbfs } from './level.ts';
import { resample, Resampler } from './resample.ts';

const RATES_HZ = [8_000, 16_000, 22_050, 24_000, 48_000];
const PAIRS = RATES_HZ.flatMap((from) => RATES_HZ.map((to) => [from, to] as const));

function sine(frequencyHz: number, sampleRateHz: number, sampleCount: number): Int16Array {
  return Int16Array.from({ length: sampleCount }, (_, i) =>
    Math.round(10_000 * Math.sin((2 * Math.PI * frequencyHz * i) / sampleRateHz)),
  );
}

/** In pieces of uneven size, as they come from a network. */
function inPieces(samples: Int16Array, fromHz: number, toHz: number): number[] {
  const resampler = new Resampler(fromHz, toHz);
  const output: number[] = [];
  for (let at = 0, size = 1; at < samples.length; at += size, size = (size * 7) % 331) {
    output.push(...resampler.process(samples.subarray(at, at + size)));
  }
  output.push(...resampler.flush());
  return output;
}

describe('resampler', () => {
  it.each(PAIRS)('gives the same from %i to %i Hz in pieces as in one', (fromHz, toHz) => {
    const samples = sine(1_000, fromHz, fromHz / 5);
    const whole = resample(samples, fromHz, toHz);
    expect(whole.length).toBe(Math.round(toHz / 5));
    expect(inPieces(samples, fromHz, toHz)).toEqual([...whole]);
  });

  it.each(PAIRS)(
    'keeps a tone in time and level from %i to %i Hz, without clicks',
    (fromHz, toHz) => {
      const output = resample(sine(1_000, fromHz, fromHz / 5), fromHz, toHz);
      const wanted = sine(1_000, toHz, toHz / 5);
      // The signal begins and ends in the middle of nothing; there the filter rings.
      const edge = Math.ceil(toHz / 200);
      let worst = 0;
      for (let i = edge; i < output.length - edge; i++) {
        worst = Math.max(worst, Math.abs((output[i] ?? 0) - (wanted[i] ?? 0)));
      }
      expect(worst).toBeLessThan(10_000 * 0.005);
    },
  );

  it('T49: lets nothing of 6 kHz through to a rate of 8 kHz, where it would fold to 2 kHz', () => {
    const output = resample(sine(6_000, 16_000, 16_000), 16_000, 8_000).subarray(100, -100);
    expect(levelDbfs(output)).toBeLessThan(-75);
  });

  it('T49: adds no image of a tone on the way up', () => {
    const output = resample(sine(3_000, 8_000, 8_000), 8_000, 16_000).subarray(200, 1_800);
    expect(goertzelShare(output, 3_000, 16_000)).toBeGreaterThan(0.9999);
    expect(goertzelShare(output, 5_000, 16_000)).toBeLessThan(1e-5);
  });

  it('T49: saturates instead of wrapping', () => {
    const square = Int16Array.from({ length: 800 }, (_, i) => (i % 80 < 40 ? 32_767 : -32_768));
    const output = resample(square, 8_000, 48_000);
    // Where the input stays at one end for a while the output stays on that side.
    for (let i = 40 * 6 - 60; i < 40 * 6 - 20; i++) expect(output[i]).toBeGreaterThan(20_000);
  });

  it('begins anew after a flush', () => {
    const samples = sine(440, 8_000, 800);
    const resampler = new Resampler(8_000, 22_050);
    const run = () => [...resampler.process(samples), ...resampler.flush()];
    expect(run()).toEqual(run());
  });

  it('hands out a copy where the rates are the same', () => {
    const samples = sine(440, 8_000, 80);
    const output = new Resampler(8_000, 8_000).process(samples);
    samples.fill(0);
    expect(output[5]).not.toBe(0);
  });

  it.each([
    [0, 8_000],
    [8_000, 0],
    [8_000.5, 8_000],
    [-8_000, 8_000],
  ])('refuses the rates %d and %d', (fromHz, toHz) => {
    expect(() => new Resampler(fromHz, toHz)).toThrow(RangeError);
  });
});
