import { formatHostPort, parseHostPort } from './parse-host-port.ts';
import { formatParams, parseParams, type SipParams } from './parse-params.ts';

/** One value of a Via field (RFC 3261 §20.42). */
export interface Via {
  /** In capitals: `UDP`, `TCP`, `TLS` or any other token. */
  transport: string;
  /** The sent-by host, an IPv6 address without brackets. */
  host: string;
  port: number | null;
  branch: string | null;
  /** Address that the request came from, where it was noted; IPv6 without brackets. */
  received: string | null;
  /** RFC 3581: `requested` where the parameter has no value yet. */
  rport: number | 'requested' | null;
  /** All parameters but the three above. */
  params: SipParams;
}

const SENT_PROTOCOL = /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+/i;

/** Reads one Via value; null where it is malformed. Split the field by `splitHeaderValues` first. */
export function parseVia(value: string): Via | null {
  const protocol = SENT_PROTOCOL.exec(value);
  if (!protocol) return null;
  const semicolon = value.indexOf(';', protocol[0].length);
  const sentByEnd = semicolon < 0 ? value.length : semicolon;
  const sentBy = parseHostPort(value.slice(protocol[0].length, sentByEnd).trim());
  const params = parseParams(value.slice(sentByEnd).trimEnd());
  if (!sentBy || !params) return null;
  const rport = readRport(params);
  if (rport === undefined) return null;
  const via: Via = {
    transport: (protocol[1] ?? '').toUpperCase(),
    host: sentBy.host,
    port: sentBy.port,
    branch: params.get('branch') ?? null,
    received: params.get('received')?.replace(/^\[(.*)\]$/, '$1') ?? null,
    rport,
    params,
  };
  for (const own of ['branch', 'received', 'rport']) params.delete(own);
  return via;
}

/** Writes a Via value. */
export function formatVia(via: Via): string {
  let text = `SIP/2.0/${via.transport} ${formatHostPort(via.host, via.port)}`;
  if (via.branch !== null) text += `;branch=${via.branch}`;
  if (via.rport !== null) text += via.rport === 'requested' ? ';rport' : `;rport=${via.rport}`;
  if (via.received !== null) text += `;received=${via.received}`;
  return text + formatParams(via.params);
}

/** Undefined where the parameter is there but no port. */
function readRport(params: SipParams): Via['rport'] | undefined {
  const text = params.get('rport');
  if (text === undefined) return null;
  if (text === null) return 'requested';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}
