import { isIP } from 'node:net';
import type { SipAddress, SipTransportName } from '../sip/message.ts';
import { formatHostPort } from '../sip/parse-host-port.ts';
import { parseUri } from '../sip/parse-uri.ts';

/** Where calls to a customer go, as `uri` of an origination URI says it. */
export interface OriginationUri {
  /** Empty where none is written: then the called number stands there. */
  user: string;
  host: string;
  /** Null: the transport's own. */
  port: number | null;
  transport: SipTransportName;
}

const TRANSPORTS: ReadonlySet<string> = new Set(['udp', 'tcp', 'tls']);
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*\.?$/i;

/**
 * Reads `host`, `host:port`, an address, each with `;transport=udp|tcp|tls`, and `sip:user@host`.
 * UDP where nothing is said; null where it is none of these.
 */
export function parseOriginationUri(text: string): OriginationUri | null {
  const trimmed = text.trim();
  const uri = parseUri(/^sips?:/i.test(trimmed) ? trimmed : `sip:${trimmed}`);
  if (!uri || uri.scheme === 'tel' || uri.headers.size > 0 || uri.password !== undefined) {
    return null;
  }
  if (isIP(uri.host) === 0 && !HOST_NAME.test(uri.host)) return null;
  const named = uri.params.get('transport')?.toLowerCase() ?? null;
  if (named !== null && !TRANSPORTS.has(named)) return null;
  if ([...uri.params.keys()].some((name) => name !== 'transport')) return null;
  const secure = uri.scheme === 'sips';
  if (secure && named !== null && named !== 'tls') return null;
  const transport = (named ?? (secure ? 'tls' : 'udp')) as SipTransportName;
  return { user: uri.user, host: uri.host, port: uri.port, transport };
}

/** Where the INVITE is sent. */
export function addressOf({ host, port, transport }: OriginationUri): SipAddress {
  return { host, port: port ?? (transport === 'tls' ? 5061 : 5060), transport };
}

/** The Request-URI of a call to `number`. */
export function requestUriOf(uri: OriginationUri, number: string): string {
  const transport = uri.transport === 'udp' ? '' : `;transport=${uri.transport}`;
  const user = encodeURIComponent(uri.user === '' ? number : uri.user).replaceAll('%2B', '+');
  return `sip:${user}@${formatHostPort(uri.host, uri.port)}${transport}`;
}
