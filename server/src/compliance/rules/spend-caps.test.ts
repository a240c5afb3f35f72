import { describe, expect, it } from 'vitest';
import { defaultGuardrailSettings } from '../settings.ts';
import { checkSpend, type Spend } from './spend-caps.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 30);

function caps(day: number) {
  const none = defaultGuardrailSettings.spend_caps;
  return { ...none, workspace: { ...none.workspace, day_micros: day } };
}

function spent(micros: number): Spend[] {
  return [{ scope: 'workspace', period: 'day', micros }];
}

describe('checkSpend', () => {
  it('refuses a first call whose reserve is more than the cap, and says how much that is', () => {
    const refusal = checkSpend(spent(0), caps(1_000), { reserveMicros: 1_001, nowMs: NOW });
    expect(refusal).toMatchObject({
      rule: 'G04',
      retryAt: new Date(Date.UTC(2026, 10, 22)),
      stoppedBy: { scope: 'workspace', period: 'day', spentMicros: 0, capMicros: 1_000 },
    });
    expect(refusal?.message).toContain('no room for the 1001 micros');
    expect(checkSpend(spent(0), caps(1_000), { reserveMicros: 1_000, nowMs: NOW })).toBeNull();
  });

  it('refuses every call where the cap is 0, also one that costs nothing', () => {
    expect(checkSpend(spent(0), caps(0), { reserveMicros: 0, nowMs: NOW })).toMatchObject({
      rule: 'G04',
    });
  });

  it('lets a call of tomorrow pass a cap that is used up today, and counts what it reserves then', () => {
    const tomorrow = { nowMs: NOW, atMs: NOW + 86_400_000 };
    expect(checkSpend(spent(1_000), caps(1_000), { ...tomorrow, reserveMicros: 900 })).toBeNull();
    const refusal = checkSpend(spent(0), caps(1_000), { ...tomorrow, reserveMicros: 1_001 });
    expect(refusal).toMatchObject({ rule: 'G04', retryAt: new Date(Date.UTC(2026, 10, 23)) });
    expect(refusal?.stoppedBy).toBeUndefined();
  });
});
