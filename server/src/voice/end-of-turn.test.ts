import { describe, expect, it } from 'vitest';
import { digitCount, endOfTurn } from './end-of-turn.ts';

const ask = { minMs: 400, maxMs: 3_000, expectsDigits: false, digitsWanted: 0, digitsMs: 1_300 };

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
    // Numbers, dates and names that are being said piece by piece.
    ['It is twenty', 1_300],
    ['Nineteen eighty.', 1_300],
    ['double', 1_300],
    ['Let us say March the', 1_000],
    ['On the third of April', 1_000],
    ['maria dot', 1_000],
    ['J A M', 1_300],
    ['It is spelled P. A. R.', 1_300],
    ['B as in Bob, E', 1_300],
    // And what only looks like it.
    ['Tomorrow at three thirty.', 400],
    ['Is it at 3 45?', 400],
    ['It was the plan B.', 1_300],
    ['That is okay with Dr. Chen.', 400],
  ])('after "%s" is %i ms', (text, expectedMs) => {
    expect(endOfTurn({ ...ask, text }).silenceMs).toBe(expectedMs);
  });

  it('is short as soon as all digits that are wanted were said', () => {
    const digits = { ...ask, expectsDigits: true, digitsWanted: 4 };
    expect(endOfTurn({ ...digits, text: 'one two three' }).silenceMs).toBe(1_300);
    expect(endOfTurn({ ...digits, text: 'One, two, three.' }).silenceMs).toBe(1_300);
    expect(endOfTurn({ ...digits, text: 'one two double three' }).silenceMs).toBe(400);
  });

  it('says why', () => {
    expect(endOfTurn({ ...ask, text: 'my number is 555' }).reason).toBe('digits');
    expect(endOfTurn({ ...ask, text: 'J A M' }).reason).toBe('spelling');
    const wanted = { ...ask, expectsDigits: true, digitsWanted: 2 };
    expect(endOfTurn({ ...wanted, text: 'four two' }).reason).toBe('all-digits');
  });

  it('waits for numbers as long as the agent says', () => {
    expect(endOfTurn({ ...ask, digitsMs: 2_000, text: 'five five' }).silenceMs).toBe(2_000);
  });

  it('stays within the bounds of the agent', () => {
    expect(endOfTurn({ ...ask, text: 'I would like to', maxMs: 600 }).silenceMs).toBe(600);
    expect(endOfTurn({ ...ask, text: 'tomorrow afternoon', minMs: 900 }).silenceMs).toBe(900);
    expect(endOfTurn({ ...ask, text: 'yes', minMs: 900, maxMs: 500 }).silenceMs).toBe(900);
  });

  it('counts digits in words and figures', () => {
    expect(digitCount('five 5 double seven triple oh')).toBe(7);
    expect(digitCount('someone often')).toBe(0);
  });
});
