import { describe, expect, it } from 'vitest';
import { bufferDelayMs, estimateMos } from './e-model.ts';

describe('a mean opinion score by ITU-T G.107', () => {
  it.each([
    [0, 0, 4.41],
    [0, 150, 4.33],
    [0, 300, 3.71],
    [1, 60, 4.29],
    [5, 60, 3.86],
    [20, 60, 2.56],
    [100, 0, 1.18],
  ])('of %f percent lost and %i ms of delay is %f', (lossPercent, oneWayDelayMs, mos) => {
    expect(estimateMos({ lossPercent, oneWayDelayMs })).toBeCloseTo(mos, 2);
  });

  it('falls with loss and with delay, and stays between 1 and 4.5', () => {
    let last = 5;
    for (let lossPercent = 0; lossPercent <= 100; lossPercent += 5) {
      const mos = estimateMos({ lossPercent, oneWayDelayMs: lossPercent * 10 });
      expect(mos).toBeLessThanOrEqual(last);
      expect(mos).toBeGreaterThanOrEqual(1);
      last = mos;
    }
    expect(estimateMos({ lossPercent: -5, oneWayDelayMs: -5 })).toBeLessThan(4.5);
  });

  it('counts the wait for jitter as delay', () => {
    expect(bufferDelayMs(0)).toBe(60);
    expect(bufferDelayMs(20)).toBe(100);
  });
});
