import { describe, expect, it } from 'vitest';
import { normalizeUtterance } from './normalize-utterance.ts';

describe('normalizeUtterance', () => {
  it.each([
    ["I can't, won't and don't", 'i can not , will not and do not'],
    ['Yeah, um, that’s fine.', 'yeah , that is fine'],
    ["who's calling?", 'who is calling'],
    ['uh-huh', 'yes'],
    ["I'm gonna be late!!", 'i am going to be late'],
    ["at three o'clock", 'at three oclock'],
    ['Café, please.', 'cafe'],
    ['...', ''],
  ])('%s becomes %s', (text, expected) => {
    expect(normalizeUtterance(text)).toBe(expected);
  });
});
