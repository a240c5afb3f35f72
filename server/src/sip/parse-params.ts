import { closingQuote, isToken } from './quoted-string.ts';

/** Parameters by lower-case name; null for one without a value. A quoted value keeps its quotes. */
export type SipParams = Map<string, string | null>;

const PLAIN_VALUE = /^[^\s;,"<>]+$/;

/**
 * Reads `;name=value;flag;other="quoted"` (generic-param of RFC 3261 §25.1) with white space
 * around the separators. Null where anything else is in the text, such as an empty parameter.
 */
export function parseParams(text: string): SipParams | null {
  const params: SipParams = new Map();
  let at = skipSpace(text, 0);
  while (at < text.length) {
    if (text[at] !== ';') return null;
    const end = paramEnd(text, at + 1);
    if (end < 0) return null;
    const item = text.slice(at + 1, end).trim();
    const equals = item.indexOf('=');
    const name = equals < 0 ? item : item.slice(0, equals).trimEnd();
    if (!isToken(name)) return null;
    const value = equals < 0 ? null : item.slice(equals + 1).trimStart();
    if (value !== null && !isParamValue(value)) return null;
    const key = name.toLowerCase();
    // The first of two of one name holds: a later one cannot take over a tag or a branch.
    if (!params.has(key)) params.set(key, value);
    at = end;
  }
  return params;
}

/** Writes parameters as `;name=value;flag`. */
export function formatParams(params: ReadonlyMap<string, string | null>): string {
  let text = '';
  for (const [name, value] of params) text += value === null ? `;${name}` : `;${name}=${value}`;
  return text;
}

function isParamValue(value: string): boolean {
  if (value.startsWith('"')) return closingQuote(value, 0) === value.length - 1;
  return PLAIN_VALUE.test(value);
}

function paramEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === ';') return at;
    if (char === '"') {
      at = closingQuote(text, at);
      if (at < 0) return -1;
    }
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && (text[at] === ' ' || text[at] === '\t')) at++;
  return at;
}
