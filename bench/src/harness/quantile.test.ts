import { describe, expect, it } from 'vitest';
import { quantile, rounded } from './quantile.ts';

describe('quantile', () => {
  it('takes the nearest rank, whatever the order of the values', () => {
    const values = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(quantile(values, 0.5)).toBe(50);
    expect(quantile(values, 0.99)).toBe(99);
    expect(quantile(values, 1)).toBe(100);
    expect(quantile(values, 0)).toBe(1);
  });

  it('is null where nothing was measured', () => {
    expect(quantile([], 0.5)).toBeNull();
    expect(rounded([], 0.5)).toBeNull();
  });

  it('rounds to the decimals that are asked for', () => {
    expect(rounded([1.256], 0.5, 2)).toBe(1.26);
    expect(rounded([1.256], 0.5)).toBe(1);
  });
});
