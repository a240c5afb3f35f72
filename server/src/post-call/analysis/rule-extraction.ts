import type { WallClock } from '../../agents/scripted/parse-date.ts';
import { plainWords } from '../../agents/scripted/number-words.ts';
import { compileExtractionSchema } from '../../agents/extraction-schema.ts';
import type { Utterance } from '../transcript-text.ts';
import { readValue, textKind, typeOf, zonedTime, type FieldSchema } from './read-value.ts';

export interface RuleExtractionInput {
  schema: Record<string, unknown>;
  utterances: readonly Utterance[];
  /** What a scripted agent has found out: its slots and its outcome. */
  outcome: Record<string, unknown>;
  clock: WallClock;
}

export interface RuleExtraction {
  data: Record<string, unknown>;
  /** Field to the words that it was read from. */
  evidence: Record<string, string>;
  valid: boolean;
  problems: string[];
}

const MAX_FIELDS = 100;
const MAX_EVIDENCE_CHARS = 200;
const STOP_WORDS: ReadonlySet<string> = new Set(
  'a an and are as at be by can do does did for from has have how i if in is it its may me my of on or our so that the their them they this to us was we what when where whether which who will with would you your customer caller user person call called said says field value true false'.split(
    ' ',
  ),
);

/**
 * Reads fields out of a talk without a language model: from the slots of a script, else from what
 * the caller answered to the question that has most of the field's words in it. What is not found
 * is left out.
 */
export function extractByRules(input: RuleExtractionInput): RuleExtraction {
  const evidence: Record<string, string> = {};
  const data = readObject(input, input.schema, '', evidence);
  const problems = compileExtractionSchema(input.schema)(data);
  return { data, evidence, valid: problems.length === 0, problems };
}

function readObject(
  input: RuleExtractionInput,
  schema: Record<string, unknown>,
  prefix: string,
  evidence: Record<string, string>,
): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const [name, field] of fieldsOf(schema)) {
    const path = `${prefix}${name}`;
    if (typeOf(field) === 'object') {
      const inner = readObject(input, field as Record<string, unknown>, `${path}.`, evidence);
      if (Object.keys(inner).length > 0) data[name] = inner;
      continue;
    }
    const found = readField(input, name, field);
    if (!found) continue;
    data[name] = found.value;
    evidence[path] = found.words.slice(0, MAX_EVIDENCE_CHARS);
  }
  return data;
}

function fieldsOf(schema: Record<string, unknown>): [string, FieldSchema][] {
  const properties = schema['properties'];
  if (typeof properties !== 'object' || properties === null) return [];
  return Object.entries(properties as Record<string, unknown>)
    .slice(0, MAX_FIELDS)
    .filter(
      (entry): entry is [string, FieldSchema] => typeof entry[1] === 'object' && entry[1] !== null,
    );
}

interface Found {
  value: unknown;
  words: string;
}

function readField(input: RuleExtractionInput, name: string, field: FieldSchema): Found | null {
  return fromOutcome(input, name, field) ?? fromAnswers(input, name, field);
}

/** A script has read it already. */
function fromOutcome(
  { outcome, clock }: RuleExtractionInput,
  name: string,
  field: FieldSchema,
): Found | null {
  const slots = (outcome['slots'] ?? {}) as Record<string, unknown>;
  for (const [key, value] of [...Object.entries(slots), ...Object.entries(outcome)]) {
    if (plainName(key) !== plainName(name)) continue;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      continue;
    }
    const read = castValue(field, name, value, clock);
    if (read !== undefined) return { value: read, words: `${key}: ${String(value)}` };
  }
  return null;
}

function castValue(
  field: FieldSchema,
  name: string,
  value: string | number | boolean,
  clock: WallClock,
): unknown {
  const type = typeOf(field);
  if (Array.isArray(field.enum)) {
    return field.enum.includes(value) ? value : readValue(field, name, String(value), clock);
  }
  // The slot of a script is `2026-11-24`, `2026-11-24T15:30` or `2026-11-24 morning`.
  const slot = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}))?/.exec(String(value));
  const kind = textKind(field, name);
  if (kind === 'date' && slot?.[1]) return slot[1];
  if (kind === 'date-time' && slot?.[1] && slot[2]) {
    return zonedTime(slot[1], slot[2], clock.timeZone);
  }
  if (typeof value === type && kind === null) return value;
  return readValue(field, name, String(value), clock);
}

function fromAnswers(
  { utterances, clock }: RuleExtractionInput,
  name: string,
  field: FieldSchema,
): Found | null {
  const wanted = keywords(`${spaced(name)} ${asText(field.description)}`);
  const asked = utterances
    .flatMap((question, index) => {
      const answer = utterances[index + 1];
      if (question.speaker !== 'agent' || answer?.speaker !== 'caller') return [];
      const words = keywords(lastQuestion(question.text));
      const score = [...wanted].filter((word) => words.has(word)).length;
      return score > 0 ? [{ score, index, answer: answer.text }] : [];
    })
    // Of two that fit alike the later one: people correct themselves.
    .sort((a, b) => b.score - a.score || b.index - a.index);
  for (const { answer } of asked) {
    const value = readValue(field, name, answer, clock);
    if (value !== undefined) return { value, words: answer };
  }
  return unasked(utterances, name, field, clock);
}

/** An e-mail address or a phone number is one wherever it is said; so is a choice that is named. */
function unasked(
  utterances: readonly Utterance[],
  name: string,
  field: FieldSchema,
  clock: WallClock,
): Found | null {
  const kind = textKind(field, name);
  const isTelling =
    (typeOf(field) === 'string' && (kind === 'email' || kind === 'phone')) ||
    Array.isArray(field.enum);
  if (!isTelling) return null;
  for (const { speaker, text } of utterances.toReversed()) {
    if (speaker !== 'caller') continue;
    const value = readValue(field, name, text, clock);
    if (value !== undefined) return { value, words: text };
  }
  return null;
}

/** What an agent says last before it listens, and the sentence before, is what is answered. */
function lastQuestion(text: string): string {
  return text
    .split(/(?<=[.!?])\s+/)
    .slice(-2)
    .join(' ');
}

function keywords(text: string): ReadonlySet<string> {
  return new Set(
    plainWords(text)
      .filter((word) => word.length > 1 && !STOP_WORDS.has(word))
      .map(stem),
  );
}

/** `appointments` and `appointment`, `confirmed` and `confirm` are one word here. */
function stem(word: string): string {
  return word.length > 5 ? word.replace(/(?:ations?|ed|ing|es|s|e)$/, '') : word.replace(/s$/, '');
}

function spaced(name: string): string {
  return name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').replaceAll(/[_.-]+/g, ' ');
}

function plainName(name: string): string {
  return spaced(name).toLowerCase().replaceAll(/\s+/g, '');
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
