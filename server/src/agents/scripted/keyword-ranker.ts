import type { RankedIntent } from './script-fsm.ts';
import { plainWords } from './number-words.ts';

interface Prepared {
  name: string;
  patterns: RegExp[];
  examples: ReadonlySet<string>[];
}

/** Weight of a word by how much it tells; these hold a sentence together and tell nothing. */
const STOP_WORDS = new Set(
  "a an and are at be can could do for i i'd i'll i'm in is it me my of on or please so that the this to we would you".split(
    ' ',
  ),
);

/** Ranks intents by patterns and by words in common with the examples. */
export class KeywordRanker {
  readonly #intents: Prepared[];

  constructor(intents: readonly { name: string; examples: string[]; patterns: string[] }[]) {
    this.#intents = intents.map(({ name, examples, patterns }) => ({
      name,
      patterns: patterns.map((pattern) => new RegExp(pattern, 'iu')),
      examples: examples.map((example) => tellingWords(example)),
    }));
  }

  /** Best first. A pattern is 1; words in common give less. */
  match(text: string): RankedIntent[] {
    const words = tellingWords(text);
    return this.#intents
      .map(({ name, patterns, examples }) => ({
        name,
        score: patterns.some((pattern) => pattern.test(text))
          ? 1
          : 0.9 * Math.max(0, ...examples.map((example) => likeness(words, example))),
      }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score);
  }
}

function tellingWords(text: string): ReadonlySet<string> {
  const words = plainWords(text);
  const telling = words.filter((word) => !STOP_WORDS.has(word));
  return new Set(telling.length > 0 ? telling : words);
}

function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const word of a) if (b.has(word)) common++;
  return common === 0 ? 0 : (2 * common) / (a.size + b.size);
}
