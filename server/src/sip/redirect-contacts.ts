import type { SipResponse } from './message.ts';
import { fieldValues } from './message-fields.ts';
import { parseNameAddr } from './parse-name-addr.ts';

/** Where a 3xx response points (RFC 3261 §8.1.3.4). */
export interface RedirectContact {
  uri: string;
  /** 0 to 1; 1 where it is missing. */
  q: number;
}

/** Contacts that are looked at in one response. */
const MAX_CONTACTS = 32;

/** The contacts of a 3xx response, best first, those of one q in the order in which they stand. */
export function redirectContacts(response: SipResponse): RedirectContact[] {
  if (response.status < 300 || response.status > 399) return [];
  return fieldValues(response, 'Contact')
    .slice(0, MAX_CONTACTS)
    .flatMap((value) => {
      const address = parseNameAddr(value);
      if (!address || address.uri === '*') return [];
      return [{ uri: address.uri, q: qOf(address.params.get('q') ?? null) }];
    })
    .sort((a, b) => b.q - a.q);
}

/** RFC 3261 §25.1, qvalue; what is malformed counts as the worst. */
function qOf(text: string | null): number {
  if (text === null) return 1;
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 0;
}
