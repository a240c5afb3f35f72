import { plainWords } from '../../agents/scripted/number-words.ts';
import type { Utterance } from '../transcript-text.ts';

export interface RuleSummaryInput {
  direction: 'inbound' | 'outbound';
  durationMs: number | null;
  endReason: string | null;
  /** Of a scripted agent: what came of the talk. */
  outcome: Record<string, unknown>;
  utterances: readonly Utterance[];
}

const MAX_QUOTES = 3;
const MAX_QUOTE_CHARS = 160;
/** `Yes.` and `Hello?` say little about a talk. */
const MIN_TELLING_WORDS = 3;

/**
 * A summary without a language model: facts of the call, what the script found out, and what the
 * caller said at most length, word for word.
 */
export function summariseByRules(input: RuleSummaryInput): string {
  const { direction, durationMs, endReason, utterances } = input;
  const lasted = durationMs === null ? '' : ` of ${Math.round(durationMs / 1_000)} s`;
  const reason = endReason === null ? '' : `, ended by ${endReason.replaceAll('-', ' ')}`;
  const sentences = [`${direction === 'inbound' ? 'Inbound' : 'Outbound'} call${lasted}${reason}.`];
  sentences.push(...outcomeOf(input.outcome));
  const quotes = tellingQuotes(utterances);
  if (quotes.length > 0) sentences.push(`The caller said: ${quotes.join(' ')}`);
  else if (!utterances.some(({ speaker }) => speaker === 'caller')) {
    sentences.push('The caller said nothing.');
  }
  return sentences.join(' ');
}

function outcomeOf({ outcome, slots }: Record<string, unknown>): string[] {
  const found: string[] = [];
  if (typeof outcome === 'string' && outcome !== '') {
    found.push(`Outcome: ${outcome.replaceAll(/[-_]/g, ' ')}.`);
  }
  if (typeof slots === 'object' && slots !== null) {
    const filled = Object.entries(slots)
      .filter(([, value]) => typeof value === 'string' && value !== '')
      .map(([name, value]) => `${name.replaceAll('_', ' ')} ${String(value)}`);
    if (filled.length > 0) found.push(`Found out: ${filled.join(', ')}.`);
  }
  return found;
}

/** The caller's longest words, in the order in which they were said. */
function tellingQuotes(utterances: readonly Utterance[]): string[] {
  return utterances
    .map((utterance, index) => ({
      ...utterance,
      index,
      words: plainWords(utterance.text).length,
    }))
    .filter(({ speaker, words }) => speaker === 'caller' && words >= MIN_TELLING_WORDS)
    .sort((a, b) => b.words - a.words)
    .slice(0, MAX_QUOTES)
    .sort((a, b) => a.index - b.index)
    .map(({ text }) =>
      text.length > MAX_QUOTE_CHARS ? `"${text.slice(0, MAX_QUOTE_CHARS)}..."` : `"${text}"`,
    );
}
