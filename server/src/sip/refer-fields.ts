import type { SipMessage } from './message.ts';
import { getHeader } from './message.ts';
import { parseNameAddr } from './parse-name-addr.ts';

/** Body of a NOTIFY: the beginning of a response (RFC 3420). */
export const SIPFRAG = 'message/sipfrag';
const MAX_FRAGMENT_CHARS = 4_096;

/** Where a REFER points; null: it names no target, or more than one (RFC 3515 §2.4.1). */
export function referToOf(message: SipMessage): string | null {
  const value = getHeader(message, 'Refer-To') ?? '';
  return parseNameAddr(value)?.uri ?? null;
}

/** The status that a fragment reports; null: none. */
export function sipfragStatus(body: string): { status: number; reason: string } | null {
  const line = body.slice(0, MAX_FRAGMENT_CHARS).split(/\r?\n/, 1)[0] ?? '';
  const parsed = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/.exec(line.trimEnd());
  return parsed ? { status: Number(parsed[1]), reason: (parsed[2] ?? '').slice(0, 200) } : null;
}

export function sipfrag(status: number, reason: string): string {
  return `SIP/2.0 ${status} ${reason}\r\n`;
}

/** Whether a subscription is over, as its NOTIFY says (RFC 6665 §4.1.3). */
export function endsSubscription(message: SipMessage): boolean {
  return /^\s*terminated\b/i.test(getHeader(message, 'Subscription-State') ?? '');
}

/** `Event: refer`, with or without an id (RFC 3515 §2.4.6). */
export function isReferEvent(message: SipMessage): boolean {
  return /^\s*refer\s*(;|$)/i.test(getHeader(message, 'Event') ?? '');
}

/** `Refer-Sub: false` (RFC 4488 §4). */
export function isQuiet(message: SipMessage): boolean {
  return /^\s*false\b/i.test(getHeader(message, 'Refer-Sub') ?? '');
}
