import { getHeader } from './message.ts';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';
import { tagOf } from './message-fields.ts';

/** RFC 3261 §21, and the statuses of the extensions that are spoken here. */
const REASONS: Record<number, string> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  423: 'Interval Too Brief',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  491: 'Request Pending',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
  607: 'Unwanted',
  608: 'Rejected',
};

/** The usual phrase of a status. */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? 'Unknown';
}

export interface ResponseFields {
  reason?: string;
  /** Put into To where the request has no tag there. */
  toTag?: string;
  headers?: readonly SipHeader[];
  body?: string;
}

/** The response to a request: RFC 3261 §8.2.6.2. */
export function makeResponse(
  request: SipRequest,
  status: number,
  fields: ResponseFields = {},
): SipResponse {
  const isCopied = (name: string): boolean =>
    name === 'via' ||
    // RFC 3261 §12.1.1: the route of a dialog goes back to its caller.
    (name === 'record-route' && status > 100 && status < 300) ||
    (name === 'timestamp' && status === 100);
  const to = getHeader(request, 'To') ?? '';
  const needsTag = fields.toTag !== undefined && status !== 100 && tagOf(request, 'To') === null;
  return {
    kind: 'response',
    status,
    reason: fields.reason ?? reasonPhrase(status),
    headers: [
      ...request.headers.filter((header) => isCopied(header.name.toLowerCase())),
      { name: 'From', value: getHeader(request, 'From') ?? '' },
      { name: 'To', value: needsTag ? `${to};tag=${fields.toTag}` : to },
      { name: 'Call-ID', value: getHeader(request, 'Call-ID') ?? '' },
      { name: 'CSeq', value: getHeader(request, 'CSeq') ?? '' },
      ...(fields.headers ?? []),
    ],
    body: fields.body ?? '',
  };
}
