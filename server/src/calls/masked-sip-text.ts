import { getHeader } from '../sip/message.ts';
import type { SipMessage } from '../sip/message.ts';
import { serializeMessage } from '../sip/serialize-message.ts';

/** Longer messages are cut: a trace is read by people. */
const MAX_CHARS = 16_000;
/** RFC 8760: what is proven with the password, and what is proven by a token alone. */
const PROOF = /\b(response|cnonce|rspauth)\s*=\s*("[^"]*"|[^,\s]+)/gi;
const SIGN_IN = /^(proxy-)?authorization$|^authentication-info$/i;
/** Headers of a trunk that carry a token of the carrier. */
const SECRET_NAME = /(auth|token|secret|password|passwd|api-?key|credential|signature)/i;
const PUBLIC_NAME = /^(www|proxy)-authenticate$/i;
/** RFC 4568 §6.1: the key stands in the line. */
const SDES_KEY = /^(a=crypto:.*inline:)[^|\s;]+/gm;

/** Keys that a person pressed may be a PIN or the number of a card. */
const DIGITS_TYPE = /^application\/dtmf/i;
const PRESSED = /^(\s*signal\s*=\s*)\S+|^\s*[0-9A-D*#]{1,2}\s*$/gim;

/** A message as text for people and for the record: no proof of a password, no key, no token, no PIN. */
export function maskedSipText(message: SipMessage): string {
  const headers = message.headers.map(({ name, value }) => ({ name, value: masked(name, value) }));
  const body = DIGITS_TYPE.test(getHeader(message, 'Content-Type') ?? '')
    ? message.body.replace(PRESSED, '$1***')
    : message.body.replace(SDES_KEY, '$1***');
  try {
    const text = serializeMessage({ ...message, headers, body }).toString('utf8');
    return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}\r\n[cut]` : text;
  } catch {
    // What came from outside may hold what we would not send.
    return '[a message that cannot be shown]';
  }
}

function masked(name: string, value: string): string {
  if (PUBLIC_NAME.test(name)) return value;
  if (SIGN_IN.test(name)) {
    return /^digest\s/i.test(value) ? value.replace(PROOF, '$1="***"') : '***';
  }
  return SECRET_NAME.test(name) ? '***' : value;
}
