import { describe, expect, it } from 'vitest';
import { newId } from './ids.ts';

describe('newId', () => {
  it('carries its kind and sorts by time', () => {
    const early = newId('call', 1_700_000_000_000);
    const late = newId('call', 1_700_000_000_001);
    expect(early).toMatch(/^call_[0-9a-hjkmnp-tv-z]{26}$/);
    expect(early < late).toBe(true);
  });

  it('does not repeat', () => {
    const ids = new Set(Array.from({ length: 10_000 }, () => newId('turn', 0)));
    expect(ids.size).toBe(10_000);
  });
});
