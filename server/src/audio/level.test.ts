import { describe, expect, it } from 'vitest';
import { isSilent, levelDbfs } from './level.ts';

describe('level', () => {
  it('is relative to full scale', () => {
    expect(levelDbfs(new Int16Array(160).fill(-32_768))).toBe(0);
    expect(levelDbfs(new Int16Array(160).fill(3_277))).toBeCloseTo(-20, 2);
    const sine = Int16Array.from({ length: 800 }, (_, i) => 32_767 * Math.sin(i / 4));
    expect(levelDbfs(sine)).toBeCloseTo(-3, 1);
  });

  it('of nothing is minus infinity', () => {
    expect(levelDbfs(new Int16Array(160))).toBe(Number.NEGATIVE_INFINITY);
    expect(levelDbfs(new Int16Array(0))).toBe(Number.NEGATIVE_INFINITY);
  });

  it('calls the idle noise of a line silent, and a quiet voice not', () => {
    expect(isSilent(new Int16Array(160).fill(8))).toBe(true);
    expect(isSilent(new Int16Array(160).fill(100))).toBe(false);
    expect(isSilent(new Int16Array(160).fill(100), -40)).toBe(true);
  });
});
