import { describe, expect, it } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');

describe('what a receiver says about coming again', () => {
  it.each<[number, string | undefined, number | null]>([
    [429, '120', 120_000],
    [503, ' 7 ', 7_000],
    [503, 'Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    [429, '999999999', 3_600_000],
    [429, 'Sat, 21 Nov 2026 11:00:00 GMT', null],
    [429, '-5', null],
    [429, '0', null],
    [429, 'soon', null],
    [429, undefined, null],
    [500, '120', null],
  ])('%d with Retry-After %s means %s ms', (status, header, expected) => {
    const headers: Record<string, string> = header === undefined ? {} : { 'retry-after': header };
    expect(retryAfterMs({ status, headers }, NOW_MS)).toBe(expected);
  });
});
