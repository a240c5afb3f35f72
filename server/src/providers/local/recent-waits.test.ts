import { describe, expect, it } from 'vitest';
import { RecentWaits } from './recent-waits.ts';

describe('RecentWaits', () => {
  it('gives what 95 of 100 did not exceed', () => {
    const waits = new RecentWaits();
    expect(waits.p95Ms(0)).toBe(0);
    for (let n = 100; n >= 1; n--) waits.add(1_000, n);
    expect(waits.p95Ms(1_000)).toBe(95);
  });

  it('forgets after a minute', () => {
    const waits = new RecentWaits();
    waits.add(0, 5_000);
    waits.add(50_000, 10);
    expect(waits.p95Ms(59_999)).toBe(5_000);
    expect(waits.p95Ms(60_000)).toBe(10);
  });

  it('keeps the newest where there are many', () => {
    const waits = new RecentWaits();
    for (let n = 0; n < 1_000; n++) waits.add(0, 9_000);
    for (let n = 0; n < 1_000; n++) waits.add(0, 1);
    expect(waits.p95Ms(0)).toBe(1);
  });
});
