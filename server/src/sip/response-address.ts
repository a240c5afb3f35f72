import { isIP } from 'node:net';
import {
  getHeader,
  type SipAddress,
  type SipHeader,
  type SipMessage,
  type SipRequest,
} from './message.ts';
import { formatVia, parseVia, type Via } from './parse-via.ts';
import { splitHeaderValues } from './split-header-values.ts';

/** The top Via value of a message; null where it is missing or malformed. */
export function topVia(message: SipMessage): Via | null {
  const field = getHeader(message, 'Via');
  return field === undefined ? null : parseVia(splitHeaderValues(field)[0] ?? '');
}

/**
 * Where a response goes (RFC 3261 §18.2.2, RFC 3581 §4), from the top Via and the source of the
 * request. `maddr` is not followed: nobody uses it, and it would aim our responses at strangers.
 */
export function responseAddress(of: SipMessage | Via, source: SipAddress): SipAddress {
  const via = 'kind' in of ? topVia(of) : of;
  if (!via) return { host: source.host, port: source.port, transport: source.transport };
  return {
    host: via.received ?? via.host,
    port:
      typeof via.rport === 'number'
        ? via.rport
        : (via.port ?? (source.transport === 'tls' ? 5061 : 5060)),
    transport: source.transport,
  };
}

/**
 * Notes in the top Via where a request came from: `received` where sent-by says otherwise
 * (RFC 3261 §18.2.1), `received` and `rport` where the client asks for rport (RFC 3581 §4). What the
 * client itself put into `received` or as value of `rport` is replaced, never believed.
 * @param isForced notes a port that sent-by does not name as if the client had asked for rport.
 */
export function noteSource(request: SipRequest, source: SipAddress, isForced = false): void {
  const at = request.headers.findIndex((header) => header.name.toLowerCase() === 'via');
  const header: SipHeader | undefined = request.headers[at];
  if (!header) return;
  const [first = '', ...others] = splitHeaderValues(header.value);
  const via = parseVia(first);
  if (!via) return;
  const asksRport = via.rport !== null || (isForced && (via.port ?? 5060) !== source.port);
  const claims = via.received !== null;
  if (!asksRport && !claims && isSameHost(via.host, source.host)) return;
  if (asksRport) via.rport = source.port;
  via.received = asksRport || !isSameHost(via.host, source.host) ? source.host : null;
  request.headers[at] = { name: header.name, value: [formatVia(via), ...others].join(', ') };
}

function isSameHost(sentBy: string, source: string): boolean {
  return isIP(sentBy) !== 0 && sentBy.toLowerCase() === source.toLowerCase();
}
