import { createSocket, type Socket } from 'node:dgram';
import { lookup as dnsLookup } from 'node:dns';
import { isIP, isIPv6 } from 'node:net';

/** A socket of the family of `host`, not bound yet; one for IPv6 reaches IPv4 addresses too. */
export function createUdpSocket(host: string, options: { recvBufferSize?: number } = {}): Socket {
  const isV6 = isIPv6(host);
  return createSocket({
    type: isV6 ? 'udp6' : 'udp4',
    lookup: isV6 ? lookupV6 : lookupV4,
    ...options,
  });
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string,
  family: number,
) => void;

// The default lookup visits the thread pool even for IP literals: a millisecond a packet and a
// queue behind every slow name.
function lookupV4(host: string, _options: unknown, callback: LookupCallback): void {
  if (isIP(host) === 4) callback(null, host, 4);
  else dnsLookup(host, 4, callback);
}

function lookupV6(host: string, _options: unknown, callback: LookupCallback): void {
  const family = isIP(host);
  if (family === 6) callback(null, host, 6);
  else if (family === 4) callback(null, `::ffff:${host}`, 6);
  else dnsLookup(host, { family: 6, hints: 0 }, callback);
}
