import { plainWords } from './number-words.ts';
import {
  isPast,
  isPastTime,
  parseDate,
  speakDate,
  type DateAnswer,
  type WallClock,
} from './parse-date.ts';
import { parseDigits, speakDigits } from './parse-digits.ts';
import type { SlotReading } from './script-state.ts';

/** What is asked for. */
export interface SlotQuestion {
  type: 'digits' | 'date' | 'yes-no' | 'name' | 'text';
  length?: number | undefined;
  /** `date` only: the time is wanted too. */
  require_time: boolean;
}

const NOTHING: SlotReading = { status: 'none' };
const MAX_TEXT_CHARS = 500;

/**
 * Looks for a slot's value in what the caller said or keyed.
 *
 * @param partial what an earlier answer gave of it; null: nothing.
 */
export function readSlot(
  question: SlotQuestion,
  text: string,
  partial: string | null,
  clock: WallClock,
): SlotReading {
  switch (question.type) {
    case 'digits': {
      const digits = parseDigits(text, question.length);
      return digits === null ? NOTHING : filled(digits, speakDigits(digits));
    }
    case 'date':
      return readDate(question, text, partial, clock);
    case 'yes-no': {
      const answer = parseYesNo(text);
      return answer === null ? NOTHING : filled(answer, answer);
    }
    case 'name': {
      const name = parseName(text);
      return name === null ? NOTHING : filled(name, name);
    }
    case 'text':
      break;
  }
  const said = text.trim().slice(0, MAX_TEXT_CHARS);
  return /[\p{L}\p{N}]/u.test(said) ? filled(said, said) : NOTHING;
}

/** Says neither, whatever words of yes or no are in it. */
const UNDECIDED =
  /\b(not|isn't|never) (so |quite |really |too |100 )?(sure|certain)\b|\bunsure\b|\bmaybe\b|\b(don't|do not) know\b|\bno idea\b|\bright (now|away|here)\b|\bnever mind\b/;
const YES_WITH_NO = /\b(no (problem|worries|objection)|why not)\b/;
const NO_WITH_YES =
  /\b(not|isn't|doesn't|don't|won't) (\w+ )?(right|correct|really|good|true|okay|ok|work)\b|\b(wrong|incorrect)\b/;
const TELLING =
  /\b(?:(no|nope|nah|never|negative)|(yes|yeah|yep|yup|yah|sure|correct|right|okay|ok|absolutely|definitely|exactly|certainly|of course|affirmative))\b/;

/** Whether somebody says that they do not know (`I'm not sure`): neither a yes nor a no. */
export function isUndecided(text: string): boolean {
  return UNDECIDED.test(plainWords(text).join(' '));
}

/** `yes` or `no` by the first word that tells; null: neither. */
export function parseYesNo(text: string): 'yes' | 'no' | null {
  const words = plainWords(text).join(' ');
  if (UNDECIDED.test(words)) return null;
  if (YES_WITH_NO.test(words)) return 'yes';
  if (NO_WITH_YES.test(words)) return 'no';
  const told = TELLING.exec(words);
  if (told === null) return null;
  return told[1] === undefined ? 'yes' : 'no';
}

/** A person's name of one to five words, however it is introduced; null: no name. */
export function parseName(text: string): string | null {
  const said = text
    .slice(0, 200)
    .replaceAll('\u2019', "'")
    .trim()
    .replace(/^(?:(?:um|uh|well|oh|yes|yeah|hi|hello|sure|okay)[,. ]+){0,3}/i, '')
    .replace(
      /^(?:my name is|my name's|the name is|it is|it's|this is|i am|i'm|that's|call me)\s+/i,
      '',
    )
    .replace(/[,. ]+(?:speaking|here|please)[.!? ]*$/i, '')
    .replace(/[.,!?]+$/, '')
    .trim();
  const words = said.split(/\s+/);
  if (said === '' || words.length > 5) return null;
  if (!words.every((word) => /^\p{L}[\p{L}'.-]{0,39},?$/u.test(word))) return null;
  return words
    .map((word) => word.replace(/,$/, ''))
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}

function readDate(
  question: SlotQuestion,
  text: string,
  partial: string | null,
  clock: WallClock,
): SlotReading {
  const heard = parseDate(text, clock);
  if (heard === null) return NOTHING;
  const known = partial === null ? { day: null, time: null } : decodeDate(partial);
  const answer: DateAnswer = { day: heard.day ?? known.day, time: heard.time ?? known.time };
  if (answer.day === null) {
    return { status: 'partial', partial: encodeDate(answer), ask: 'On which day?' };
  }
  if (isPast(answer.day, clock)) return { status: 'invalid', say: 'That day is already over.' };
  if (isPastTime(answer, clock)) return { status: 'invalid', say: 'That time is already over.' };
  if (question.require_time && answer.time === null) {
    const day = speakDate(answer, clock);
    return { status: 'partial', partial: encodeDate(answer), ask: `At what time on ${day}?` };
  }
  return filled(encodeDate(answer), speakDate(answer, clock));
}

/** `2026-11-24`, `2026-11-24T15:30`, `2026-11-24 morning`, `T15:30`. */
function encodeDate({ day, time }: DateAnswer): string {
  if (time === null) return day ?? '';
  return `${day ?? ''}${/^\d/.test(time) ? 'T' : ' '}${time}`;
}

function decodeDate(text: string): DateAnswer {
  const match = /^(\d{4}-\d{2}-\d{2})?(?:[T ](.+))?$/.exec(text);
  return { day: match?.[1] ?? null, time: match?.[2] ?? null };
}

function filled(value: string, spoken: string): SlotReading {
  return { status: 'filled', fill: { value, spoken } };
}
