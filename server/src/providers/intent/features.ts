import { conceptOf, takePhrases } from './concepts.ts';
import { normalizeUtterance } from './normalize-utterance.ts';

const CONCEPT_WEIGHT = 1.6;
/** Whoever says goodbye means it, whatever comes before: "okay thanks, bye". */
const GOODBYE_WEIGHT = 3.2;
/** A word of a concept: what it adds beyond the concept. */
const CONCEPT_WORD_WEIGHT = 0.5;
const WORD_WEIGHT = 1;
const STOP_WORD_WEIGHT = 0.12;
const PAIR_WEIGHT = 0.5;
/** What an answer begins with is usually the answer. */
const FIRST_WORD_BONUS = 1.5;
/** Words that a negation reaches. */
const NEGATION_REACH = 4;

const NEGATIONS = new Set(['not', 'never', 'without']);
const CLAUSE_ENDS = new Set([',', ';', 'but', 'because', 'and', 'so']);
const STOP_WORDS = new Set(
  (
    'a an the i me my mine you your we us our it its this that these those he she they them his her ' +
    'is am are was were be been being do does did have has had will would shall should can could may might ' +
    'to of in on at for from with by as if then than so and or but there here very really too also some any ' +
    'get got go going let want need'
  ).split(' '),
);

/** Weighted features of a text. */
export interface TextFeatures {
  weights: Map<string, number>;
  /** Whether something is denied. */
  isNegated: boolean;
}

/**
 * Words without endings, pairs of words, and concepts. What a negation reaches becomes a feature
 * of its own (`!cancel`), so that "do not cancel" has nothing in common with "cancel".
 */
export function featuresOf(text: string): TextFeatures {
  const { concepts, rest } = takePhrases(normalizeUtterance(text));
  const weights = new Map<string, number>();
  const raise = (feature: string, weight: number): void => {
    weights.set(feature, Math.max(weights.get(feature) ?? 0, weight));
  };
  for (const concept of concepts) raise(`#${concept}`, weightOf(concept));
  let reach = 0;
  let isNegated = false;
  let before: string | undefined;
  let position = 0;
  for (const word of rest.split(' ')) {
    if (word === '') continue;
    if (CLAUSE_ENDS.has(word)) {
      reach = 0;
      before = undefined;
      continue;
    }
    if (NEGATIONS.has(word)) {
      reach = NEGATION_REACH;
      isNegated = true;
      raise('#not', 1);
      before = undefined;
      position++;
      continue;
    }
    const sign = reach > 0 ? '!' : '';
    const isStopWord = STOP_WORDS.has(word);
    // Stop words do not use up a negation: "not going to be able to".
    if (!isStopWord && reach > 0) reach--;
    const stem = stemOf(word);
    const concept = conceptOf(word) ?? conceptOf(stem);
    if (concept !== undefined) {
      const first = position === 0 && concepts.length === 0;
      raise(`${sign}#${concept}`, weightOf(concept) * (first ? FIRST_WORD_BONUS : 1));
      raise(`${sign}${stem}`, CONCEPT_WORD_WEIGHT);
    } else {
      raise(`${sign}${stem}`, isStopWord ? STOP_WORD_WEIGHT : WORD_WEIGHT);
    }
    if (before !== undefined) raise(`${before} ${sign}${stem}`, PAIR_WEIGHT);
    before = `${sign}${stem}`;
    position++;
  }
  return { weights, isNegated };
}

function weightOf(concept: string): number {
  return concept === 'bye' ? GOODBYE_WEIGHT : CONCEPT_WEIGHT;
}

/** Enough of a stemmer for short answers. */
function stemOf(word: string): string {
  if (word.length <= 4) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (word.endsWith('ing') && word.length > 5) return undouble(word.slice(0, -3));
  if (word.endsWith('ed')) return undouble(word.slice(0, -2));
  if (word.endsWith('s') && !word.endsWith('ss')) return word.slice(0, -1);
  return word;
}

function undouble(stem: string): string {
  return /([bdglmnprt])\1$/.test(stem) ? stem.slice(0, -1) : stem;
}
