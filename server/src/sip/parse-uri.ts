import { formatHostPort, parseHostPort } from './parse-host-port.ts';

/**
 * A sip, sips or tel URI (RFC 3261 §19.1, RFC 3966), unescaped but for control characters: `%00` is
 * legal in a user part (RFC 4475 §3.1.1.4) and stays as it is written, since nobody can store a NUL.
 */
export interface SipUri {
  scheme: 'sip' | 'sips' | 'tel';
  /** Empty where there is none; for `tel` the number as it is written. */
  user: string;
  password?: string;
  /** IPv6 without brackets; empty for `tel`. */
  host: string;
  port: number | null;
  /** By lower-case name; null for one without a value. */
  params: Map<string, string | null>;
  /** The part after the question mark, names as written. */
  headers: Map<string, string>;
}

const FORBIDDEN = /[\s<>"]|\p{Cc}/u;
// Two patterns: one that does both needs quadratic time for a long text that is no number.
const TEL_CHARACTERS = /^\+?[0-9A-Fa-f*#().-]+$/;
const TEL_DIGIT = /[0-9A-Fa-f*#]/;

/** The percent sign before the digits of a control character. */
const ESCAPED_CONTROL = /%(?=[01][0-9A-F]|7F)/gi;

/** Characters that stand unescaped in each part (RFC 3261 §25.1). */
const USER_PLAIN = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/gu;
const PASSWORD_PLAIN = /[^A-Za-z0-9\-_.!~*'()&=+$,]/gu;
const PARAM_PLAIN = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$]/gu;
const HEADER_PLAIN = /[^A-Za-z0-9\-_.!~*'()[\]/?:+$]/gu;

/** Reads a URI; null where it is malformed or of another scheme. */
export function parseUri(text: string): SipUri | null {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(0, colon)).toLowerCase();
  if (FORBIDDEN.test(text)) return null;
  if (scheme === 'tel') return parseTel(text.slice(colon + 1));
  if (scheme !== 'sip' && scheme !== 'sips') return null;
  const rest = text.slice(colon + 1);
  const at = rest.indexOf('@');
  const userInfo = at < 0 ? null : parseUserInfo(rest.slice(0, at));
  // RFC 3261 §25.1: where there is an @ there is a user.
  if (at >= 0 && !userInfo) return null;
  const question = rest.indexOf('?', at + 1);
  const main = question < 0 ? rest.slice(at + 1) : rest.slice(at + 1, question);
  const semicolon = main.indexOf(';');
  const hostPort = parseHostPort(semicolon < 0 ? main : main.slice(0, semicolon));
  const params = parseUriParams(semicolon < 0 ? '' : main.slice(semicolon + 1));
  const headers = parseUriHeaders(question < 0 ? null : rest.slice(question + 1));
  if (!hostPort || !params || !headers) return null;
  return { scheme, user: '', ...userInfo, ...hostPort, params, headers };
}

/** Writes a URI, escaping what its parts may not hold. */
export function formatUri(uri: SipUri): string {
  const params = formatUriParams(uri.params);
  if (uri.scheme === 'tel') return `tel:${uri.user}${params}`;
  const password = uri.password === undefined ? '' : `:${escape(uri.password, PASSWORD_PLAIN)}`;
  const user = uri.user === '' ? '' : `${escape(uri.user, USER_PLAIN)}${password}@`;
  let headers = '';
  for (const [name, value] of uri.headers) {
    headers += `${headers === '' ? '?' : '&'}${escape(name, HEADER_PLAIN)}=${escape(value, HEADER_PLAIN)}`;
  }
  return `${uri.scheme}:${user}${formatHostPort(uri.host, uri.port)}${params}${headers}`;
}

/** These must be in both URIs or in neither (RFC 3261 §19.1.4). */
const SIGNIFICANT_PARAMS = ['user', 'ttl', 'method', 'maddr', 'transport'];

/** Compares by RFC 3261 §19.1.4 (tel: RFC 3966 §4). A URI that cannot be read equals nothing. */
export function uriEquals(left: SipUri | string, right: SipUri | string): boolean {
  const a = typeof left === 'string' ? parseUri(left) : left;
  const b = typeof right === 'string' ? parseUri(right) : right;
  if (!a || !b || a.scheme !== b.scheme) return false;
  if (a.scheme === 'tel') return telEquals(a, b);
  return (
    a.user === b.user &&
    a.password === b.password &&
    a.host.toLowerCase() === b.host.toLowerCase() &&
    a.port === b.port &&
    SIGNIFICANT_PARAMS.every((name) => a.params.has(name) === b.params.has(name)) &&
    [...a.params].every(
      ([name, value]) => !b.params.has(name) || same(value, b.params.get(name)),
    ) &&
    headersEqual(a.headers, b.headers)
  );
}

function parseTel(text: string): SipUri | null {
  const semicolon = text.indexOf(';');
  const user = semicolon < 0 ? text : text.slice(0, semicolon);
  const params = parseUriParams(semicolon < 0 ? '' : text.slice(semicolon + 1));
  if (!TEL_CHARACTERS.test(user) || !TEL_DIGIT.test(user) || !params) return null;
  return { scheme: 'tel', user, host: '', port: null, params, headers: new Map() };
}

function parseUserInfo(text: string): { user: string; password?: string } | null {
  const colon = text.indexOf(':');
  const user = unescape(colon < 0 ? text : text.slice(0, colon));
  if (user === null || user === '') return null;
  if (colon < 0) return { user };
  const password = unescape(text.slice(colon + 1));
  return password === null ? null : { user, password };
}

function parseUriParams(text: string): Map<string, string | null> | null {
  const params = new Map<string, string | null>();
  if (text === '') return params;
  for (const item of text.split(';')) {
    const equals = item.indexOf('=');
    const name = unescape(equals < 0 ? item : item.slice(0, equals));
    const value = equals < 0 ? null : unescape(item.slice(equals + 1));
    if (name === null || name === '' || (equals >= 0 && value === null)) return null;
    const key = name.toLowerCase();
    if (!params.has(key)) params.set(key, value);
  }
  return params;
}

function parseUriHeaders(text: string | null): Map<string, string> | null {
  const headers = new Map<string, string>();
  if (text === null) return headers;
  for (const item of text.split('&')) {
    const equals = item.indexOf('=');
    const name = equals < 1 ? null : unescape(item.slice(0, equals));
    const value = equals < 1 ? null : unescape(item.slice(equals + 1));
    if (name === null || value === null) return null;
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}

function formatUriParams(params: SipUri['params']): string {
  let text = '';
  for (const [name, value] of params) {
    text += `;${escape(name, PARAM_PLAIN)}`;
    if (value !== null) text += `=${escape(value, PARAM_PLAIN)}`;
  }
  return text;
}

function escape(text: string, notPlain: RegExp): string {
  return text.replace(notPlain, (char) =>
    [...Buffer.from(char)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

function unescape(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text.replace(ESCAPED_CONTROL, '%25'));
  } catch {
    // A percent sign that starts no escape, or escapes that are no UTF-8.
    return null;
  }
}

function telEquals(a: SipUri, b: SipUri): boolean {
  const digits = (uri: SipUri): string => uri.user.replace(/[().-]/g, '').toLowerCase();
  return (
    digits(a) === digits(b) &&
    a.params.size === b.params.size &&
    [...a.params].every(([name, value]) => b.params.has(name) && same(value, b.params.get(name)))
  );
}

function headersEqual(a: SipUri['headers'], b: SipUri['headers']): boolean {
  if (a.size !== b.size) return false;
  const lower = new Map([...b].map(([name, value]) => [name.toLowerCase(), value]));
  return [...a].every(([name, value]) => lower.get(name.toLowerCase()) === value);
}

function same(a: string | null, b: string | null | undefined): boolean {
  return (a ?? '').toLowerCase() === (b ?? '').toLowerCase();
}
