import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { CallLimits } from './call-limits.ts';

describe('a trunk’s calls', () => {
  it('begin ten times a second at most; the next second has its own ten', async () => {
    const clock = new FakeClock();
    const limits = new CallLimits({ clock });
    const begun = Array.from({ length: 11 }, () => limits.check('1', 0));
    expect(begun).toEqual([...Array.from({ length: 10 }, () => null), 5180]);
    expect(limits.check('2', 0)).toBeNull();
    await clock.advance(1_000);
    expect(limits.check('1', 0)).toBeNull();
  });

  it('are as many at once as the trunk may have, and the switch', () => {
    const limits = new CallLimits({ clock: new FakeClock(), maxCallsPerTrunk: 2, maxCalls: 5 });
    const end = limits.begin('1');
    limits.begin('1');
    expect(limits.check('1', 2)).toBe(5190);
    end();
    end();
    expect(limits.check('1', 1)).toBeNull();
    expect(limits.check('2', 5)).toBe(5190);
  });
});
