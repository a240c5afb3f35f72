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
  | 'event'
  | 'key'
  | 'node'
  | 'number'
  | 'room'
  | 'trunk'
  | 'turn'
  | 'ws';

/** A new id such as `call_01j9zq8f3v6m2k4n7p0r5t8w1x`; ids of one kind sort by time of creation. */
export function newId(kind: IdKind, nowMs: number): string {
  let time = '';
  for (let rest = Math.floor(nowMs), i = 0; i < TIME_CHARS; i++, rest = Math.floor(rest / 32)) {
    time = ALPHABET.charAt(rest % 32) + time;
  }
  return `${kind}_${time}${randomText(RANDOM_CHARS)}`;
}

/** `length` random characters of the id alphabet, 5 bits of entropy each. */
export function randomText(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += ALPHABET.charAt(byte & 31);
  return text;
}
