import { isIP } from 'node:net';
import type { SipAddress, SipTransportName } from './message.ts';
import { parseUri } from './parse-uri.ts';

const DEFAULT_PORT = { udp: 5060, tcp: 5060, tls: 5061 } as const;
const PRIVATE_V4 =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;

/**
 * Where a request for `uri` goes (RFC 3261 §8.1.2). Names are not looked up inside a dialog, and a
 * private address that a far end behind NAT wrote into its Contact is not reachable: both go to
 * `peer`, the address that the dialog is spoken with.
 */
export function nextHop(uri: string, peer: SipAddress): SipAddress {
  const parsed = parseUri(uri);
  if (!parsed || isIP(parsed.host) === 0) return peer;
  const isBehindNat = PRIVATE_V4.test(parsed.host) && !isLocal(peer.host);
  if (isBehindNat) return peer;
  const transport = transportOf(parsed.scheme, parsed.params.get('transport'), peer);
  return { host: parsed.host, port: parsed.port ?? DEFAULT_PORT[transport], transport };
}

function transportOf(
  scheme: string,
  named: string | null | undefined,
  peer: SipAddress,
): SipTransportName {
  if (scheme === 'sips') return 'tls';
  const transport = named?.toLowerCase();
  if (transport === 'tcp' || transport === 'tls' || transport === 'udp') return transport;
  // RFC 3263 §4.1: UDP where nothing is said; over TLS nobody means to leave it.
  return peer.transport === 'tls' ? 'tls' : 'udp';
}

function isLocal(host: string): boolean {
  return PRIVATE_V4.test(host) || host.startsWith('127.') || host.includes(':') || isIP(host) === 0;
}
