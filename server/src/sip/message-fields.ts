import { getHeader, getHeaders, setHeader } from './message.ts';
import type { SipHeader, SipMessage, SipTransportName } from './message.ts';
import { parseCseq } from './parse-cseq.ts';
import type { Cseq } from './parse-cseq.ts';
import { parseNameAddr } from './parse-name-addr.ts';
import { formatVia } from './parse-via.ts';
import { topVia } from './response-address.ts';
import { splitHeaderValues } from './split-header-values.ts';

/** Every value of a field, also where several stand in one line (RFC 3261 §7.3.1). */
export function fieldValues(message: SipMessage, name: string): string[] {
  return getHeaders(message, name).flatMap((value) => splitHeaderValues(value));
}

/** Writes the protocol into the Via of a request of ours, which has one. */
export function setTopViaTransport(message: SipMessage, transport: SipTransportName): void {
  const via = topVia(message);
  if (via) setHeader(message, 'Via', formatVia({ ...via, transport: transport.toUpperCase() }));
}

/** The CSeq; number 0 and no method where it is malformed. */
export function cseqOf(message: SipMessage): Cseq {
  return parseCseq(getHeader(message, 'CSeq') ?? '') ?? { sequence: 0, method: '' };
}

/** The tag of From or To; null where there is none. */
export function tagOf(message: SipMessage, name: 'From' | 'To'): string | null {
  return parseNameAddr(getHeader(message, name) ?? '')?.params.get('tag') ?? null;
}

/** The URI of a field such as From or Contact, first value; null where there is none. */
export function uriOf(message: SipMessage, name: string): string | null {
  const [value] = fieldValues(message, name);
  return value === undefined ? null : (parseNameAddr(value)?.uri ?? null);
}

/** The Call-ID; empty where it is missing. */
export function callIdOf(message: SipMessage): string {
  return getHeader(message, 'Call-ID') ?? '';
}

/** The body where it is SDP; null otherwise. A body without Content-Type is taken for SDP. */
export function sdpOf(message: SipMessage): string | null {
  if (message.body === '') return null;
  return isSdp(message) ? message.body : null;
}

/** Whether Content-Type is application/sdp or missing. */
export function isSdp(message: SipMessage): boolean {
  const type = getHeader(message, 'Content-Type') ?? 'application/sdp';
  return type.split(';', 1)[0]?.trim().toLowerCase() === 'application/sdp';
}

/** The header fields that describe a body. */
export function bodyHeaders(contentType: string | null): SipHeader[] {
  return contentType === null ? [] : [{ name: 'Content-Type', value: contentType }];
}

/** Seconds of Retry-After (RFC 3261 §20.33); null where there is none. */
export function retryAfterOf(message: SipMessage): number | null {
  const match = /^\s*(\d{1,9})/.exec(getHeader(message, 'Retry-After') ?? '');
  return match ? Number(match[1]) : null;
}

/** The Reason header (RFC 3326), several joined; null where there is none. */
export function reasonOf(message: SipMessage): string | null {
  const values = getHeaders(message, 'Reason');
  return values.length === 0 ? null : values.join(', ');
}
