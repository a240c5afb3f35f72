import { describe, expect, it } from 'vitest';
import { ReceptionStats } from './reception-stats.ts';

describe('reception statistics', () => {
  it('T38 RFC 3550 A.3: counts what was expected and did not come, over the wrap', () => {
    const stats = new ReceptionStats();
    for (const n of [65_533, 65_534, 0, 1, 4]) stats.count(n);
    expect(stats.lostCount).toBe(3);
    expect(stats.report()).toMatchObject({ cumulativeLost: 3, highestSequence: 65_536 + 4 });
  });

  it('T38 RFC 3550 A.3: a packet that comes late is not lost', () => {
    const stats = new ReceptionStats();
    for (const n of [1, 3, 4]) stats.count(n);
    expect(stats.lostCount).toBe(1);
    stats.count(2);
    expect(stats.lostCount).toBe(0);
    expect(stats.report().highestSequence).toBe(4);
  });

  it('T38 RFC 3550 §6.4.1: the fraction lost is that since the last report', () => {
    const stats = new ReceptionStats();
    for (let n = 0; n < 10; n++) if (n % 2 === 0 || n === 9) stats.count(n);
    expect(stats.report().fractionLost).toBe(Math.floor((256 * 4) / 10));
    for (let n = 10; n < 20; n++) stats.count(n);
    expect(stats.report()).toMatchObject({ fractionLost: 0, cumulativeLost: 4 });
  });

  it('T38 RFC 3550 A.8: jitter is the smoothed difference of transit times, timestamps wrapping', () => {
    const stats = new ReceptionStats();
    stats.measureJitter(0xffffff60, 1_000);
    stats.measureJitter(0, 1_020);
    expect(stats.jitterMs).toBe(0);
    stats.measureJitter(160, 1_056);
    expect(stats.jitterMs).toBe(1);
  });

  it('T38: keeps losses of a source that another one follows, and starts its numbers anew', () => {
    const stats = new ReceptionStats();
    for (const n of [1, 3]) stats.count(n);
    stats.restart();
    for (const n of [40_000, 40_001]) stats.count(n);
    expect(stats.lostCount).toBe(1);
    expect(stats.report()).toMatchObject({ fractionLost: 0, highestSequence: 40_001 });
  });
});
