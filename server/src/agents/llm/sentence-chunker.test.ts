import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SentenceChunker, speakable, splitSentences } from './sentence-chunker.ts';

describe('splitSentences', () => {
  it.each([
    ['One. Two! Three?', ['One.', 'Two!', 'Three?']],
    ['See Dr. Chen at 2 p.m. on Friday. Fine?', ['See Dr. Chen at 2 p.m. on Friday.', 'Fine?']],
    ['It costs 3.5 dollars. Or $240.50.', ['It costs 3.5 dollars.', 'Or $240.50.']],
    ['J. Smith called. Twice.', ['J. Smith called.', 'Twice.']],
    ['Wait... what? "Yes." Ok.', ['Wait...', 'what?', '"Yes."', 'Ok.']],
    ['first line\nsecond line', ['first line', 'second line']],
    ['We open at 9. Come early.', ['We open at 9.', 'Come early.']],
    ['', []],
    ['...', []],
  ])('cuts %j', (text, sentences) => {
    expect(splitSentences(text)).toEqual(sentences);
  });
});

describe('SentenceChunker', () => {
  it('lets the first clause go early, later ones not', () => {
    const chunker = new SentenceChunker();
    expect(chunker.push('Of course, I can certainly help you, ')).toEqual([
      'Of course, I can certainly help you,',
    ]);
    expect(chunker.push('and then we can talk about the rest of it, ')).toEqual([]);
    expect(chunker.push('too. ')).toEqual(['and then we can talk about the rest of it, too.']);
  });

  it('does not end a sentence before it knows what follows the full stop', () => {
    const chunker = new SentenceChunker();
    expect(chunker.push('It is 3.')).toEqual([]);
    expect(chunker.push('5 percent.')).toEqual([]);
    expect(chunker.flush()).toEqual(['It is 3.5 percent.']);
  });

  it('cuts text without any boundary at a space', () => {
    const chunker = new SentenceChunker();
    const pieces = [...chunker.push('word '.repeat(200)), ...chunker.flush()];
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(300);
    expect(pieces.join(' ')).toBe('word '.repeat(200).trim());
  });

  it('says the same words however the text arrives', () => {
    const words = fc.constantFrom(
      'Dr.',
      'Chen',
      '3.5',
      'Hello,',
      'yes!',
      'a.m.',
      'why?',
      'it',
      'é',
    );
    fc.assert(
      fc.property(fc.array(words), fc.array(fc.nat(80)), (parts, cuts) => {
        const text = parts.join(' ');
        const chunker = new SentenceChunker();
        const pieces: string[] = [];
        let position = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), text.length]) {
          pieces.push(...chunker.push(text.slice(position, cut)));
          position = Math.max(position, cut);
        }
        pieces.push(...chunker.flush());
        expect(pieces.join(' ')).toBe(text);
      }),
    );
  });
});

describe('speakable', () => {
  it.each([
    ['**Sure!** I can *help* with `that`.', 'Sure! I can help with that.'],
    ['# Title', 'Title'],
    ['- first item', 'first item'],
    ['2. second item', 'second item'],
    ['Great \u{1F600}\u{1F44D}\u{1F3FD}!', 'Great!'],
    ['See [our site](https://example.com/a?b) now.', 'See our site now.'],
    ['\u{1F469}\u200D\u{1F680}', ''],
    ['2.5 hours, #3 and 5 * 4', '2.5 hours, #3 and 5 4'],
  ])('reads %j as %j', (text, spoken) => {
    expect(speakable(text)).toBe(spoken);
  });
});
