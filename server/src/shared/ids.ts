import { randomBytes } from 'node:crypto';

/** Crockford's base 32: no I, L, O, U. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;

/** Kinds of resources; the kind is the id's prefix. */
export type IdKind =
  | 'agent'
  | 'attempt'
  | 'call'
  | 'consent'
  | 'dispatch'
  | 'event'
  | 'key'
  | 'node'
  | 'number'
  | 'override'
  | 'rate'
  | 'pkey'
  | 'participant'
  | 'recording'
  | 'room'
  | 'rule'
  | 'track'
  | 'transfer'
  | 'trunk'
  | 'turn'
  | 'webhook'
  | 'ws';

/** A new id such as `call_01j9zq8f3v6m2k4n7p0r5t8w1x`; ids of one kind sort by time of creation. */
export function newId(kind: IdKind, nowMs: number): string {
  return `${firstIdAt(kind, nowMs)}${randomText(RANDOM_CHARS)}`;
}

/** What every id of a kind that is made at `nowMs` or later is not less than. */
export function firstIdAt(kind: IdKind, nowMs: number): string {
  let time = '';
  for (
    let rest = Math.max(0, Math.floor(nowMs)), i = 0;
    i < TIME_CHARS;
    i++, rest = Math.floor(rest / 32)
  ) {
    time = ALPHABET.charAt(rest % 32) + time;
  }
  return `${kind}_${time}`;
}

/** `length` random characters of the id alphabet, 5 bits of entropy each. */
export function randomText(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += ALPHABET.charAt(byte & 31);
  return text;
}

const TIME_BITS = 42n;
const RANDOM_BITS = 80n;
const ID_FORM = /^([a-z]+)_([0-9a-hjkmnp-tv-z]{26})$/;
const UUID_FORM =
  /^([0-9a-f]{8})-?([0-9a-f]{4})-?4([0-9a-f]{3})-?([89ab][0-9a-f]{3})-?([0-9a-f]{12})$/i;

/**
 * The same id as a UUID, for clients of vendors whose ids are UUIDs. RFC 9562 §5.4: version and
 * variant leave 122 bits, which hold the time (42 bits, until the year 2109) and the random part.
 * Null for an id that was not made by `newId`.
 */
export function uuidOfId(id: string): string | null {
  const text = ID_FORM.exec(id)?.[2];
  if (text === undefined) return null;
  let value = 0n;
  for (const char of text) value = (value << 5n) | BigInt(ALPHABET.indexOf(char));
  if (value >> (TIME_BITS + RANDOM_BITS) !== 0n) return null;
  const hex = (part: bigint, digits: number): string => part.toString(16).padStart(digits, '0');
  const high = hex(value >> 74n, 12);
  const low = hex((2n << 62n) | (value & ((1n << 62n) - 1n)), 16);
  return `${high.slice(0, 8)}-${high.slice(8)}-4${hex((value >> 62n) & 0xfffn, 3)}-${low.slice(0, 4)}-${low.slice(4)}`;
}

/** The id that `uuidOfId` was given; null where the text, with or without hyphens, is no such UUID. */
export function idOfUuid(kind: IdKind, uuid: string): string | null {
  const match = UUID_FORM.exec(uuid);
  if (!match) return null;
  const [, first = '', second = '', third = '', fourth = '', fifth = ''] = match;
  const low = BigInt(`0x${fourth}${fifth}`) & ((1n << 62n) - 1n);
  let value = (BigInt(`0x${first}${second}`) << 74n) | (BigInt(`0x${third}`) << 62n) | low;
  let text = '';
  for (let i = 0; i < TIME_CHARS + RANDOM_CHARS; i++, value >>= 5n) {
    text = ALPHABET.charAt(Number(value & 31n)) + text;
  }
  return `${kind}_${text}`;
}
