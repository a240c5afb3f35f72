import { closingQuote, isToken, unquoteString } from './quoted-string.ts';

/**
 * The parameters of a `Digest` challenge or credentials (RFC 7616 §3.3, §3.4) by lower-case name,
 * without quotes. Null for another scheme, for what is malformed, and where a name comes twice.
 */
export function parseDigestParams(value: string): Map<string, string> | null {
  const scheme = /^\s*Digest\s+/i.exec(value);
  if (!scheme) return null;
  const params = new Map<string, string>();
  let at = scheme[0].length;
  while (at < value.length) {
    const end = itemEnd(value, at);
    if (end < 0) return null;
    const item = value.slice(at, end).trim();
    at = end + 1;
    // Stray commas are common and harmless (RFC 9110 §5.6.1).
    if (item === '') continue;
    const equals = item.indexOf('=');
    const name = item.slice(0, Math.max(0, equals)).trimEnd().toLowerCase();
    if (!isToken(name) || params.has(name)) return null;
    params.set(name, unquoteString(item.slice(equals + 1).trimStart()));
  }
  return params;
}

function itemEnd(value: string, from: number): number {
  for (let at = from; at < value.length; at++) {
    if (value[at] === ',') return at;
    if (value[at] === '"') {
      at = closingQuote(value, at);
      if (at < 0) return -1;
    }
  }
  return value.length;
}
