import { en, type ParsedComponents } from 'chrono-node';
import { plainWords, teenOf, tenOf, unitOf } from './number-words.ts';

/** What is known of a day and a time of day, in the caller's own time. */
export interface DateAnswer {
  /** `2026-11-24`, or null: no day was named. */
  day: string | null;
  /** `15:30`, or a part of the day, or null. */
  time: string | null;
}

export type DayPart = 'morning' | 'afternoon' | 'evening';

/** The wall clock where the appointment is. */
export interface WallClock {
  nowMs: number;
  timeZone: string;
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const DAY_PARTS: readonly DayPart[] = ['morning', 'afternoon', 'evening'];
const DAY_MS = 86_400_000;

/**
 * A day, a time of day, or both, as people say them (`next tuesday at three thirty in the
 * afternoon`). An hour without a half of the day is office hours: 7 to 11 is the morning, 12 to 6
 * the afternoon. Null: neither day nor time.
 */
export function parseDate(text: string, clock: WallClock): DateAnswer | null {
  const words = normaliseTimes(plainWords(text)).join(' ');
  // Everything is computed on a clock whose UTC fields read like the wall clock.
  const reference = { instant: new Date(wallTimeMs(clock)), timezone: 0 };
  let answer: DateAnswer = { day: null, time: null };
  for (const { start } of en.casual.parse(words, reference, { forwardDate: true })) {
    answer = { day: answer.day ?? dayOf(start), time: answer.time ?? timeOf(start, words) };
  }
  answer.time ??= dayPartOf(words);
  return answer.day === null && answer.time === null ? null : answer;
}

/** Whether the day lies before today. */
export function isPast(day: string, clock: WallClock): boolean {
  return day < new Date(wallTimeMs(clock)).toISOString().slice(0, 10);
}

/** Whether it is today, at an hour that is over. */
export function isPastTime(answer: DateAnswer, clock: WallClock): boolean {
  const now = new Date(wallTimeMs(clock)).toISOString();
  if (answer.day !== now.slice(0, 10) || answer.time === null) return false;
  return /^\d/.test(answer.time) && answer.time < now.slice(11, 16);
}

/** `Tuesday, November 24 at 3:30 PM`; the year only where it is not this year's. */
export function speakDate(answer: DateAnswer, clock: WallClock): string {
  const time = answer.time === null ? '' : speakTime(answer.time);
  if (answer.day === null) return time.trim();
  const date = new Date(`${answer.day}T00:00:00Z`);
  const year = date.getUTCFullYear();
  const thisYear = new Date(wallTimeMs(clock)).getUTCFullYear();
  const yearText =
    year - thisYear > 0 && monthsAhead(date, wallTimeMs(clock)) > 10 ? `, ${year}` : '';
  const weekday = WEEKDAYS[date.getUTCDay()] ?? '';
  const month = MONTHS[date.getUTCMonth()] ?? '';
  return `${weekday}, ${month} ${date.getUTCDate()}${yearText}${time}`;
}

function monthsAhead(date: Date, nowMs: number): number {
  return (date.getTime() - nowMs) / (30 * DAY_MS);
}

function speakTime(time: string): string {
  if ((DAY_PARTS as readonly string[]).includes(time)) return ` in the ${time}`;
  const hour = Number(time.slice(0, 2));
  const minute = time.slice(3);
  if (hour === 12 && minute === '00') return ' at noon';
  const half = hour < 12 ? 'AM' : 'PM';
  const hour12 = hour % 12 === 0 ? 12 : hour % 12;
  return ` at ${hour12}${minute === '00' ? '' : `:${minute}`} ${half}`;
}

function dayOf(start: ParsedComponents): string | null {
  const named = start.isCertain('day') || start.isCertain('weekday') || start.isCertain('month');
  if (!named) return null;
  const [year, month, day] = [start.get('year'), start.get('month'), start.get('day')];
  if (year === null || month === null || day === null) return null;
  const date = new Date(Date.UTC(year, month - 1, day));
  return Number.isNaN(date.getTime()) ? null : date.toISOString().slice(0, 10);
}

function timeOf(start: ParsedComponents, words: string): string | null {
  if (!start.isCertain('hour')) return null;
  let hour = start.get('hour') ?? 0;
  if (!start.isCertain('meridiem')) {
    const part = dayPartOf(words);
    if (part === null ? hour >= 1 && hour <= 6 : part !== 'morning' && hour < 12) hour += 12;
  }
  return `${String(hour % 24).padStart(2, '0')}:${String(start.get('minute') ?? 0).padStart(2, '0')}`;
}

function dayPartOf(words: string): DayPart | null {
  const part = DAY_PARTS.find((candidate) => new RegExp(`\\b${candidate}s?\\b`).test(words));
  return part ?? (/\b(tonight|night)\b/.test(words) ? 'evening' : null);
}

/** Times and numbers in words to figures: `half past two` to `2:30`, `three thirty` to `3:30`. */
function normaliseTimes(words: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const next = words[i + 1] ?? '';
    // "10 a.m." has become "10 a m".
    if ((word === 'a' || word === 'p') && next === 'm') {
      out.push(`${word}m`);
      i++;
      continue;
    }
    const relative = relativeTime(words, i);
    if (relative !== null) {
      out.push('at', relative.time);
      i += relative.wordCount - 1;
      continue;
    }
    const hour = hourOf(word);
    const minute = hour === null ? null : minuteAfter(words, i + 1);
    if (hour !== null && minute !== null) {
      if (out.at(-1) !== 'at') out.push('at');
      out.push(`${hour}:${String(minute.value).padStart(2, '0')}`);
      i += minute.wordCount;
    } else if (/^o'?clock$/.test(next) && hour !== null) {
      if (out.at(-1) !== 'at') out.push('at');
      out.push(`${hour}:00`);
      i++;
    } else if (hour !== null && (out.at(-1) === 'at' || isHalfOfDay(words, i + 1))) {
      if (out.at(-1) !== 'at') out.push('at');
      out.push(`${hour}:00`);
    } else {
      out.push(word);
    }
  }
  return out.map((word) => (word === 'noon' || word === 'midday' ? '12:00 pm' : word));
}

function isHalfOfDay(words: readonly string[], at: number): boolean {
  const first = words[at];
  return (
    first === 'am' ||
    first === 'pm' ||
    ((first === 'a' || first === 'p') && words[at + 1] === 'm') ||
    (first === 'in' && words[at + 1] === 'the')
  );
}

function relativeTime(
  words: readonly string[],
  at: number,
): { time: string; wordCount: number } | null {
  const skip = words[at] === 'a' ? 1 : 0;
  const amount = words[at + skip];
  const relation = words[at + skip + 1];
  const hour = hourOf(words[at + skip + 2] ?? '');
  if (hour === null || (amount !== 'half' && amount !== 'quarter')) return null;
  const wordCount = skip + 3;
  if (relation === 'past' || relation === 'after') {
    return { time: `${hour}:${amount === 'half' ? '30' : '15'}`, wordCount };
  }
  if (amount === 'quarter' && (relation === 'to' || relation === 'before')) {
    return { time: `${hour === 1 ? 12 : hour - 1}:45`, wordCount };
  }
  return null;
}

function hourOf(word: string): number | null {
  const value = /^\d{1,2}$/.test(word) ? Number(word) : (unitOf(word) ?? teenOf(word));
  return value !== null && value >= 1 && value <= 12 ? value : null;
}

/** Minutes in words after an hour in words: `thirty`, `forty five`, `oh five`. */
function minuteAfter(
  words: readonly string[],
  at: number,
): { value: number; wordCount: number } | null {
  const first = words[at] ?? '';
  const second = unitOf(words[at + 1] ?? '');
  if (first === 'oh' && second !== null) return { value: second, wordCount: 2 };
  const ten = tenOf(first);
  if (ten !== null && ten < 60) {
    return second === null || second === 0
      ? { value: ten, wordCount: 1 }
      : { value: ten + second, wordCount: 2 };
  }
  const teen = teenOf(first);
  return teen === null ? null : { value: teen, wordCount: 1 };
}

/** The wall clock's reading as if it were UTC. */
function wallTimeMs(clock: WallClock): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: clock.timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(clock.nowMs);
  const value = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((part) => part.type === type)?.value ?? 0);
  return Date.UTC(value('year'), value('month') - 1, value('day'), value('hour'), value('minute'));
}
