import { parseDate, type WallClock } from '../../agents/scripted/parse-date.ts';
import { parseDigits } from '../../agents/scripted/parse-digits.ts';
import { plainWords, teenOf, tenOf, unitOf } from '../../agents/scripted/number-words.ts';
import { parseYesNo } from '../../agents/scripted/slots.ts';

/** One field of an extraction schema, as far as rules understand it. */
export interface FieldSchema {
  type?: unknown;
  format?: unknown;
  enum?: unknown;
  description?: unknown;
}

const MAX_TEXT_CHARS = 500;
const MIN_PHONE_DIGITS = 7;
const MAX_PHONE_DIGITS = 15;
const EMAIL = /[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}/i;

/** The value of a field in what somebody said; undefined: it is not there. */
export function readValue(
  field: FieldSchema,
  name: string,
  said: string,
  clock: WallClock,
): unknown {
  if (Array.isArray(field.enum)) return readChoice(field.enum, said);
  switch (typeOf(field)) {
    case 'boolean': {
      const answer = parseYesNo(said);
      return answer === null ? undefined : answer === 'yes';
    }
    case 'integer': {
      const value = readNumber(said);
      return value !== undefined && Number.isInteger(value) ? value : undefined;
    }
    case 'number':
      return readNumber(said);
    case 'string':
      return readText(field, name, said, clock);
    default:
      return undefined;
  }
}

/** The first type that is not null. */
export function typeOf({ type }: FieldSchema): string | null {
  const types = Array.isArray(type) ? (type as unknown[]) : [type];
  const found = types.find((one) => typeof one === 'string' && one !== 'null');
  return typeof found === 'string' ? found : null;
}

/** What kind of text a field wants, by its format or its name; null: any. */
export function textKind(
  { format, description }: FieldSchema,
  name: string,
): 'email' | 'phone' | 'date' | 'date-time' | null {
  if (format === 'email' || format === 'date' || format === 'date-time') return format;
  if (format === 'phone' || format === 'tel') return 'phone';
  const words = `${name} ${typeof description === 'string' ? description : ''}`;
  if (/e-?mail/i.test(words)) return 'email';
  if (/phone|mobile|callback.?number/i.test(words)) return 'phone';
  return null;
}

function readText(
  field: FieldSchema,
  name: string,
  said: string,
  clock: WallClock,
): string | undefined {
  switch (textKind(field, name)) {
    case 'email':
      return readEmail(said);
    case 'phone':
      return readPhone(said);
    case 'date':
      return parseDate(said, clock)?.day ?? undefined;
    case 'date-time': {
      const found = parseDate(said, clock);
      // A time without an offset is no date-time of RFC 3339; a part of the day is no time.
      return found?.day && found.time && /^\d\d:\d\d$/.test(found.time)
        ? zonedTime(found.day, found.time, clock.timeZone)
        : undefined;
    }
    case null: {
      const text = said.trim().slice(0, MAX_TEXT_CHARS);
      return /[\p{L}\p{N}]/u.test(text) ? text : undefined;
    }
  }
}

/** The one choice that is named; several or none say nothing. */
function readChoice(choices: readonly unknown[], said: string): unknown {
  const words = ` ${plainWords(said).join(' ')} `;
  const named = choices.filter((choice) => {
    if (typeof choice !== 'string' && typeof choice !== 'number') return false;
    const text = plainWords(String(choice).replaceAll(/[-_]/g, ' ')).join(' ');
    return text !== '' && words.includes(` ${text} `);
  });
  return named.length === 1 ? named[0] : undefined;
}

/** The first number, in figures or in words. */
function readNumber(said: string): number | undefined {
  const figure = /(?<![\p{L}\d.])-?\d{1,12}(?:,\d{3})*(?:\.\d{1,6})?(?!\d)/u.exec(said);
  if (figure) return Number(figure[0].replaceAll(',', ''));
  let value: number | undefined;
  for (const word of plainWords(said)) {
    const ten = tenOf(word);
    const small = teenOf(word) ?? unitOf(word);
    if (ten !== null) value = (value ?? 0) + ten;
    else if (small !== null) value = (value ?? 0) + small;
    else if (word === 'hundred' && value !== undefined) value *= 100;
    else if (word === 'thousand' && value !== undefined) value *= 1_000;
    else if (word !== 'and' && value !== undefined) break;
  }
  return value;
}

function readPhone(said: string): string | undefined {
  const digits = parseDigits(said);
  if (digits === null) return undefined;
  if (digits.length < MIN_PHONE_DIGITS || digits.length > MAX_PHONE_DIGITS) return undefined;
  return /\+\s?\d/.test(said) || /^\W*plus\b/i.test(said) ? `+${digits}` : digits;
}

/** As written, or as spoken: `maria at example dot com`. */
function readEmail(said: string): string | undefined {
  const spoken = said
    .slice(0, 2_000)
    .toLowerCase()
    .replaceAll(/\s+dot\s+/g, '.')
    .replaceAll(/\s+(?:dash|hyphen)\s+/g, '-')
    .replaceAll(/\s+underscore\s+/g, '_')
    .replaceAll(/\s+at\s+(?=[a-z0-9-]+\.)/g, '@');
  return EMAIL.exec(spoken)?.[0].replace(/\.$/, '');
}

/** `2026-11-24T15:00:00+01:00`. */
export function zonedTime(day: string, time: string, timeZone: string): string {
  return `${day}T${time}:00${offsetOf(day, time, timeZone)}`;
}

/** `+02:00`: the zone's distance from UTC at that wall-clock time. */
function offsetOf(day: string, time: string, timeZone: string): string {
  const at = new Date(`${day}T${time}:00Z`);
  const name = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(at)
    .find(({ type }) => type === 'timeZoneName')?.value;
  return /GMT([+-]\d\d:\d\d)/.exec(name ?? '')?.[1] ?? 'Z';
}
