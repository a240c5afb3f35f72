import { featuresOf, type TextFeatures } from './features.ts';
import { normalizeUtterance } from './normalize-utterance.ts';

/** Something that a caller may mean. */
export interface IntentDefinition {
  name: string;
  /** How a caller may say it. */
  examples: readonly string[];
  /** Regular expressions, case ignored, on what was said or on its normalised form. */
  patterns?: readonly (RegExp | string)[];
}

export interface IntentMatch {
  name: string;
  /** 0 to 1. */
  score: number;
}

interface Example {
  vector: Map<string, number>;
  norm: number;
}

interface Intent {
  name: string;
  examples: readonly Example[];
  patterns: readonly RegExp[];
}

/** Of a score, the part that the second-best example decides. */
const SECOND_SHARE = 0.2;
/** Words that no example has say something, but less than those that one has. */
const UNKNOWN_WEIGHT = 0.3;
/** Less is a word in common by chance. */
const MIN_SCORE = 0.05;
const MAX_TEXT_CHARS = 1_000;

/**
 * What a caller means, by the words alone: cosine of TF-IDF vectors of words, pairs of words and
 * telephone concepts against every example. Negation turns a word into another one. Pure and
 * synchronous.
 */
export class IntentMatcher {
  readonly #intents: readonly Intent[];
  readonly #idf = new Map<string, number>();

  /** @throws SyntaxError for a pattern that is no regular expression. */
  constructor(intents: readonly IntentDefinition[]) {
    const features = intents.map(({ examples }) => examples.map((text) => featuresOf(text)));
    this.#countDocuments(features);
    this.#intents = intents.map(({ name, patterns = [] }, n) => ({
      name,
      examples: (features[n] ?? []).map(({ weights }) => this.#toExample(weights)),
      patterns: patterns.map(toPattern),
    }));
  }

  /** Every intent that has something to do with the text, best first. */
  match(text: string): IntentMatch[] {
    const said = text.slice(0, MAX_TEXT_CHARS);
    const normal = normalizeUtterance(said);
    if (normal === '') return [];
    const query = this.#toExample(featuresOf(said).weights);
    return (
      this.#intents
        .map(({ name, examples, patterns }) => {
          const isPattern = patterns.some((pattern) => pattern.test(said) || pattern.test(normal));
          const score = bestTwo(examples, query);
          return { name, score: isPattern ? 1 : score, isPattern };
        })
        .filter(({ score }) => score >= MIN_SCORE)
        // A pattern is an author's certainty: it goes before words that fit as well.
        .sort((a, b) => b.score - a.score || Number(b.isPattern) - Number(a.isPattern))
        .map(({ name, score }) => ({ name, score }))
    );
  }

  /** An intent is a document: a word of many intents tells little, however often one repeats it. */
  #countDocuments(intents: readonly (readonly TextFeatures[])[]): void {
    const counts = new Map<string, number>();
    for (const examples of intents) {
      const seen = new Set(examples.flatMap(({ weights }) => [...weights.keys()]));
      for (const feature of seen) counts.set(feature, (counts.get(feature) ?? 0) + 1);
    }
    for (const [feature, count] of counts) {
      this.#idf.set(feature, Math.log(1 + intents.length / count));
    }
  }

  #toExample(weights: ReadonlyMap<string, number>): Example {
    const vector = new Map<string, number>();
    const unknownIdf = UNKNOWN_WEIGHT * Math.log(1 + 1);
    let squares = 0;
    for (const [feature, weight] of weights) {
      const value = weight * (this.#idf.get(feature) ?? unknownIdf);
      vector.set(feature, value);
      squares += value * value;
    }
    return { vector, norm: Math.sqrt(squares) };
  }
}

function bestTwo(examples: readonly Example[], query: Example): number {
  let best = 0;
  let second = 0;
  for (const example of examples) {
    const score = cosine(example, query);
    if (score > best) [best, second] = [score, best];
    else if (score > second) second = score;
  }
  // An exact example is a full score, whatever the others are like.
  return Math.min(1, Math.max(best * (1 - SECOND_SHARE) + second * SECOND_SHARE, best ** 4));
}

function cosine(a: Example, b: Example): number {
  if (a.norm === 0 || b.norm === 0) return 0;
  let sum = 0;
  for (const [feature, value] of b.vector) sum += value * (a.vector.get(feature) ?? 0);
  return sum / (a.norm * b.norm);
}

/** A global pattern would remember where it stopped. */
function toPattern(pattern: RegExp | string): RegExp {
  if (typeof pattern === 'string') return new RegExp(pattern, 'i');
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
}
