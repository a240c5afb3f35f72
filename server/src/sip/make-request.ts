import { randomText } from '../shared/ids.ts';
import { getHeader } from './message.ts';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';
import { cseqOf } from './message-fields.ts';

/** RFC 3261 §8.1.1.7: what every branch starts with. */
export const MAGIC_COOKIE = 'z9hG4bK';
const MAX_FORWARDS = '70';

/** A branch that was never used before. */
export function newBranch(): string {
  return MAGIC_COOKIE + randomText(20);
}

/** A tag for From or To (RFC 3261 §19.3: at least 32 random bits). */
export function newTag(): string {
  return randomText(16);
}

export interface RequestFields {
  method: string;
  uri: string;
  /** Whole values, tags included. */
  from: string;
  to: string;
  callId: string;
  cseq: number;
  routes?: readonly string[];
  headers?: readonly SipHeader[];
  body?: string;
}

/** A request without Via, which the transaction layer puts on top (RFC 3261 §8.1.1). */
export function makeRequest(fields: RequestFields): SipRequest {
  return {
    kind: 'request',
    method: fields.method,
    uri: fields.uri,
    headers: [
      { name: 'Max-Forwards', value: MAX_FORWARDS },
      ...(fields.routes ?? []).map((value) => ({ name: 'Route', value })),
      { name: 'From', value: fields.from },
      { name: 'To', value: fields.to },
      { name: 'Call-ID', value: fields.callId },
      { name: 'CSeq', value: `${fields.cseq} ${fields.method}` },
      ...(fields.headers ?? []),
    ],
    body: fields.body ?? '',
  };
}

/** RFC 3261 §17.1.1.3: the ACK of a non-2xx has the INVITE's branch and the response's To. */
export function makeAckForFailure(invite: SipRequest, response: SipResponse): SipRequest {
  return follow(invite, 'ACK', getHeader(response, 'To') ?? '');
}

/** RFC 3261 §9.1: the CANCEL has the INVITE's branch, To, CSeq number and routes. */
export function makeCancel(invite: SipRequest, reasonHeader?: string): SipRequest {
  const cancel = follow(invite, 'CANCEL', getHeader(invite, 'To') ?? '');
  if (reasonHeader !== undefined) cancel.headers.push({ name: 'Reason', value: reasonHeader });
  return cancel;
}

function follow(invite: SipRequest, method: string, to: string): SipRequest {
  const kept = ['via', 'route'];
  return {
    kind: 'request',
    method,
    uri: invite.uri,
    headers: [
      ...invite.headers.filter((header) => kept.includes(header.name.toLowerCase())),
      { name: 'Max-Forwards', value: MAX_FORWARDS },
      { name: 'From', value: getHeader(invite, 'From') ?? '' },
      { name: 'To', value: to },
      { name: 'Call-ID', value: getHeader(invite, 'Call-ID') ?? '' },
      { name: 'CSeq', value: `${cseqOf(invite).sequence} ${method}` },
    ],
    body: '',
  };
}
