import { getHeader } from '../sip/message.ts';
import type { SipRequest } from '../sip/message.ts';
import { fieldValues } from '../sip/message-fields.ts';
import { parseNameAddr } from '../sip/parse-name-addr.ts';
import { parseUri } from '../sip/parse-uri.ts';
import { e164FromUser } from '../trunks/e164.ts';

/** Longest caller identity that is kept; beyond that it is no identity. */
const MAX_CALLER_CHARS = 64;

/** The number that an INVITE is for: the user part of its Request-URI, else of To. */
export function calledNumber(request: SipRequest): string | null {
  return numberOf(request.uri) ?? numberOf(addressOf(getHeader(request, 'To')) ?? '');
}

/**
 * The numbers that an INVITE may be for, the likelier first. To a contact that was registered as an
 * account of digits the Request-URI looks like a number, and the one that was called is in To.
 */
export function calledNumbers(request: SipRequest): string[] {
  const named = [request.uri, addressOf(getHeader(request, 'To')) ?? ''].map(numberOf);
  return [...new Set(named.filter((number) => number !== null))];
}

/** What was called, as text, where it is no number. */
export function calledText(request: SipRequest): string {
  const user = userOf(request.uri);
  return user === null || user === '' ? 'unknown' : user.slice(0, MAX_CALLER_CHARS);
}

/**
 * Who calls, as a number where it is one, else as text; `anonymous` where nothing is said. Only trunks
 * call in, whose word on their callers is taken (RFC 3325 §4): P-Asserted-Identity, then the older
 * Remote-Party-ID, then From. What a caller asked to be kept private is not looked at.
 */
export function callerIdentity(request: SipRequest): string {
  const wishes = fieldValues(request, 'Privacy')
    .flatMap((value) => value.split(';'))
    .map((value) => value.trim().toLowerCase());
  // RFC 3323 §4.2: nothing that names the caller is to be shown.
  if (wishes.includes('user')) return 'anonymous';
  const from = getHeader(request, 'From') ?? '';
  // RFC 3325 §9.3: what the network asserts stays in the network.
  const asserted = wishes.includes('id') || wishes.includes('header') ? [] : assertedBy(request);
  for (const value of [...asserted, from]) {
    const uri = addressOf(value);
    const number = uri === null ? null : numberOf(uri);
    if (number !== null) return number;
  }
  const user = userOf(addressOf(getHeader(request, 'From')) ?? '');
  return user === null || user === '' ? 'anonymous' : user.slice(0, MAX_CALLER_CHARS);
}

function assertedBy(request: SipRequest): string[] {
  const remote = fieldValues(request, 'Remote-Party-ID').filter((value) => {
    const privacy = parseNameAddr(value)?.params.get('privacy')?.toLowerCase() ?? 'off';
    return privacy === 'off';
  });
  return [...fieldValues(request, 'P-Asserted-Identity'), ...remote];
}

function numberOf(uri: string): string | null {
  const user = userOf(uri);
  return user === null ? null : e164FromUser(user);
}

function addressOf(value: string | undefined): string | null {
  return value === undefined ? null : (parseNameAddr(value)?.uri ?? null);
}

function userOf(uri: string): string | null {
  return parseUri(uri)?.user ?? null;
}
