import { describe, expect, it } from 'vitest';
import { speakableText } from './speakable-text.ts';

describe('speakableText', () => {
  it.each([
    [
      'Write to ana.lopez-2@example.co.uk today.',
      'Write to ana dot lopez dash 2 at example dot co dot uk today.',
    ],
    ['See https://www.bright-smile.com/book.', 'See bright dash smile dot com slash book.'],
    ['Zoë’s café in Łódź', "Zoe's cafe in Lodz"],
    ['Straße', 'Strasse'],
    ['It costs $240.50 at 3:30 PM with Dr. Chen.', 'It costs $240.50 at 3:30 PM with Dr. Chen.'],
    ['5% of €20 & £3', '5 percent of 20 euros and 3 pounds'],
    ['**Great** _news_ `now`', 'Great news now'],
    ['Room #12, call +1 555', 'Room number 12, call plus 1 555'],
    ['Wait… what – really?', 'Wait. what, really?'],
    ['你好 👋', ''],
    ['tabs\tand\nlines\u0000', 'tabs and lines'],
  ])('%j is read as %j', (text, expected) => {
    expect(speakableText(text)).toBe(expected);
  });
});
