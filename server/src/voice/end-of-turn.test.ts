import { describe, expect, it } from 'vitest';
import { digitCount, silenceNeededMs } from './end-of-turn.ts';

const ask = { minMs: 400, maxMs: 3_000, expectsDigits: false, digitsWanted: 0 };

describe('silence that ends a turn', () => {
  it.each([
    ['I would like to', 1_000],
    ['Well, um,', 1_000],
    ['Give me', 1_000],
    ['Yes, that works for me.', 400],
    ['my number is 555', 1_300],
    ['five five five oh', 1_300],
    ['That works for everybody.', 400],
    ['Can you repeat it?', 400],
    ['tomorrow afternoon', 725],
    ['yes', 400],
    ['No thank you', 400],
    ['', 725],
  ])('after "%s" is %i ms', (text, expectedMs) => {
    expect(silenceNeededMs({ ...ask, text })).toBe(expectedMs);
  });

  it('is short as soon as all digits that are wanted were said', () => {
    const digits = { ...ask, expectsDigits: true, digitsWanted: 4 };
    expect(silenceNeededMs({ ...digits, text: 'one two three' })).toBe(1_300);
    expect(silenceNeededMs({ ...digits, text: 'One, two, three.' })).toBe(1_300);
    expect(silenceNeededMs({ ...digits, text: 'one two double three' })).toBe(400);
  });

  it('stays within the bounds of the agent', () => {
    expect(silenceNeededMs({ ...ask, text: 'I would like to', maxMs: 600 })).toBe(600);
    expect(silenceNeededMs({ ...ask, text: 'tomorrow afternoon', minMs: 900 })).toBe(900);
    expect(silenceNeededMs({ ...ask, text: 'yes', minMs: 900, maxMs: 500 })).toBe(900);
  });

  it('counts digits in words and figures', () => {
    expect(digitCount('five 5 double seven triple oh')).toBe(7);
    expect(digitCount('someone often')).toBe(0);
  });
});
