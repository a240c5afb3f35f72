import { formatParams, parseParams, type SipParams } from './parse-params.ts';
import { closingQuote, quoteString, unquoteString } from './quoted-string.ts';

/** A value of From, To, Contact, Route and the like (RFC 3261 §20.10, §25.1). */
export interface NameAddr {
  /** Without quotes and escapes; null where there is none. */
  displayName: string | null;
  /** The URI as text, of any scheme, without angle brackets. */
  uri: string;
  /** Parameters of the field, such as `tag`; not those of the URI. */
  params: SipParams;
}

// Beyond tokens and spaces: what carriers put into unquoted names and what cannot be mistaken.
const UNQUOTED_NAME = /^[^\p{Cc}",;<>\\]*$/u;
const ADDR_SPEC = /^[A-Za-z][A-Za-z0-9+\-.]*:[^\s<>"]+$/;

/** Reads `"Name" <uri>;params`, `Name <uri>;params` or `uri;params`; null where it is malformed. */
export function parseNameAddr(value: string): NameAddr | null {
  const text = value.trim();
  let displayName: string | null = null;
  let open: number;
  if (text.startsWith('"')) {
    const close = closingQuote(text, 0);
    if (close < 0) return null;
    displayName = unquoteString(text.slice(0, close + 1));
    open = text.indexOf('<', close);
    if (open < 0 || text.slice(close + 1, open).trim() !== '') return null;
  } else {
    open = text.indexOf('<');
    if (open < 0) return parseAddrSpec(text);
    const name = text.slice(0, open).trim();
    if (!UNQUOTED_NAME.test(name)) return null;
    if (name !== '') displayName = name;
  }
  const end = text.indexOf('>', open);
  if (end < 0) return null;
  const uri = text.slice(open + 1, end);
  const params = parseParams(text.slice(end + 1));
  return params && ADDR_SPEC.test(uri) ? { displayName, uri, params } : null;
}

/** Writes a value with the URI in angle brackets and the name in quotes. */
export function formatNameAddr(address: NameAddr): string {
  const name =
    address.displayName === null || address.displayName === ''
      ? ''
      : `${quoteString(address.displayName)} `;
  return `${name}<${address.uri}>${formatParams(address.params)}`;
}

// RFC 3261 §20: without angle brackets, parameters belong to the field, and the URI holds no
// comma, question mark or semicolon.
function parseAddrSpec(text: string): NameAddr | null {
  const semicolon = text.indexOf(';');
  const uri = (semicolon < 0 ? text : text.slice(0, semicolon)).trimEnd();
  if (!ADDR_SPEC.test(uri) || /[,?]/.test(uri)) return null;
  const params = parseParams(semicolon < 0 ? '' : text.slice(semicolon));
  return params && { displayName: null, uri, params };
}
