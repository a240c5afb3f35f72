import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paceNext, type PaceState } from './pace.ts';

describe('G06: pace', () => {
  it('never passes two closer than the gap, whenever they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (times, callsPerSecond) => {
          let state: PaceState | null = null;
          let lastMs = Number.NEGATIVE_INFINITY;
          for (const nowMs of times.sort((a, b) => a - b)) {
            const step = paceNext(state, callsPerSecond, nowMs);
            state = step.state;
            if (!step.pass) {
              expect(step.retryAtMs).toBeGreaterThan(nowMs);
              continue;
            }
            expect(nowMs - lastMs).toBeGreaterThanOrEqual(1_000 / callsPerSecond);
            lastMs = nowMs;
          }
        },
      ),
    );
  });

  it('tells those who wait different times', () => {
    let state: PaceState | null = null;
    const told: number[] = [];
    for (let n = 0; n < 4; n++) {
      const step = paceNext(state, 1, 0);
      state = step.state;
      told.push(step.pass ? 0 : step.retryAtMs);
    }
    expect(told).toEqual([0, 1_000, 2_000, 3_000]);
  });
});
