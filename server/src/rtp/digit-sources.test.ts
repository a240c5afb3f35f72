import { describe, expect, it } from 'vitest';
import { DigitSources, type DigitSource } from './digit-sources.ts';

/** What is heard of `digit source atMs`. */
function heard(...told: [digit: string, source: DigitSource, atMs: number][]): string {
  const sources = new DigitSources();
  return told
    .filter((one) => sources.isNew(...one))
    .map(([digit]) => digit)
    .join('');
}

describe('a digit that is told twice', () => {
  it('T43: counts once, whichever side is first', () => {
    expect(heard(['5', 'media', 0], ['5', 'signalling', 80])).toBe('5');
    expect(heard(['5', 'signalling', 0], ['5', 'media', 300])).toBe('5');
  });

  it('T43: counts for each press of the same key', () => {
    expect(heard(['1', 'media', 0], ['1', 'media', 200])).toBe('11');
    expect(
      heard(
        ['1', 'media', 0],
        ['1', 'media', 200],
        ['1', 'signalling', 300],
        ['1', 'signalling', 500],
        ['1', 'media', 900],
        ['1', 'signalling', 950],
      ),
    ).toBe('111');
  });

  it('T43: is another press after a second and a half', () => {
    expect(heard(['5', 'media', 0], ['5', 'signalling', 1_500])).toBe('55');
  });

  it('T43: is forgotten when thousands are sprayed', () => {
    const sources = new DigitSources();
    for (let i = 0; i < 10_000; i++) expect(sources.isNew('1', 'signalling', 0)).toBe(true);
  });
});
