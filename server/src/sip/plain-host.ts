import { isIPv4 } from 'node:net';

/** An address as people write it: IPv4 that a dual-stack socket shows as `::ffff:1.2.3.4` loses the prefix. */
export function plainHost(address: string): string {
  const tail = address.toLowerCase().startsWith('::ffff:') ? address.slice(7) : '';
  return isIPv4(tail) ? tail : address;
}
