import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntentMatcher } from './intent-matcher.ts';
import {
  APPOINTMENT_INTENTS,
  SEEN_PARAPHRASES,
  UNSEEN_PARAPHRASES,
} from './testdata/appointment-intents.ts';

const matcher = new IntentMatcher(APPOINTMENT_INTENTS);
const best = (text: string): string | undefined => matcher.match(text)[0]?.name;

describe('IntentMatcher', () => {
  it('understands at least 85 % of paraphrases that are in no example', () => {
    const examples = new Set(APPOINTMENT_INTENTS.flatMap(({ examples }) => examples));
    expect(UNSEEN_PARAPHRASES.length).toBeGreaterThanOrEqual(60);
    expect(UNSEEN_PARAPHRASES.filter(([text]) => examples.has(text))).toEqual([]);
    const wrong = UNSEEN_PARAPHRASES.filter(([text, intent]) => best(text) !== intent);
    expect(wrong.length / UNSEEN_PARAPHRASES.length, JSON.stringify(wrong)).toBeLessThan(0.15);
  });

  it('understands nearly all the paraphrases that its rules were made with', () => {
    const wrong = SEEN_PARAPHRASES.filter(([text, intent]) => best(text) !== intent);
    expect(wrong).toEqual([]);
  });

  it('gives an example of an author the full score', () => {
    for (const { name, examples } of APPOINTMENT_INTENTS) {
      for (const text of examples) {
        expect(matcher.match(text)[0], text).toMatchObject({ name });
        expect(matcher.match(text)[0]?.score, text).toBeCloseTo(1, 5);
      }
    }
  });

  it('does not take a denied wish for the wish', () => {
    expect(best('do not cancel')).not.toBe('cancel');
    expect(best("no I don't want to cancel it")).not.toBe('cancel');
    expect(best("I'm not calling to reschedule")).not.toBe('reschedule');
  });

  it('ends a negation with its clause', () => {
    expect(best("I don't think so, cancel it")).toBe('cancel');
  });

  it('reads contractions with and without apostrophe alike', () => {
    expect(matcher.match("I can't make it")).toEqual(matcher.match('i cant make it'));
    expect(matcher.match('who’s this')).toEqual(matcher.match('who is this'));
  });

  it('finds nothing in words that have nothing to do with any intent', () => {
    for (const text of ['', '   ', '...', 'umm', 'purple elephants']) {
      expect(matcher.match(text)[0]?.score ?? 0, text).toBeLessThan(0.3);
    }
  });

  it('sorts by score, between 0 and 1, each intent once', () => {
    assert(
      property(string({ maxLength: 300 }), (text) => {
        const matches = matcher.match(text);
        const scores = matches.map(({ score }) => score);
        expect(scores).toEqual(scores.toSorted((a, b) => b - a));
        expect(scores.every((score) => score > 0 && score <= 1)).toBe(true);
        expect(new Set(matches.map(({ name }) => name)).size).toBe(matches.length);
      }),
    );
  });

  it('lets a pattern decide, as text or as a regular expression, every time it is asked', () => {
    const patterned = new IntentMatcher([
      { name: 'order', examples: [], patterns: ['\\border (number )?\\d+'] },
      { name: 'ticket', examples: ['ticket'], patterns: [/\bTKT-\d+/g] },
      { name: 'yes', examples: ['yes'] },
    ]);
    for (let time = 0; time < 3; time++) {
      expect(patterned.match('yes it is Order 1234')[0]?.name).toBe('order');
      expect(patterned.match('yes, TKT-99')[0]?.name).toBe('ticket');
    }
  });

  it('refuses a pattern that is no regular expression', () => {
    expect(() => new IntentMatcher([{ name: 'x', examples: [], patterns: ['('] }])).toThrow(
      SyntaxError,
    );
  });
});
