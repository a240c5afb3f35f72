import { isIPv6 } from 'node:net';

/** A host without brackets and a port, null where none is written. */
export interface HostPort {
  host: string;
  port: number | null;
}

// Underscores are no part of RFC 3261's hostname, but of many names in private networks.
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9_\-.]*[A-Za-z0-9.])?$/;

/** Reads `host`, `host:port` or `[2001:db8::1]:port` (RFC 3261 §25.1, hostport). */
export function parseHostPort(text: string): HostPort | null {
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    const host = text.slice(1, close);
    if (close < 0 || !isIPv6(host)) return null;
    return withPort(host, text.slice(close + 1).trim());
  }
  const colon = text.indexOf(':');
  const host = (colon < 0 ? text : text.slice(0, colon)).trim();
  if (!HOST_NAME.test(host)) return null;
  return withPort(host, colon < 0 ? '' : text.slice(colon));
}

/** Writes a host, in brackets where it is an IPv6 address, and its port. */
export function formatHostPort(host: string, port: number | null): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return port === null ? shown : `${shown}:${port}`;
}

function withPort(host: string, rest: string): HostPort | null {
  if (rest === '') return { host, port: null };
  const match = /^:\s*(\d{1,5})$/.exec(rest);
  const port = match ? Number(match[1]) : 0;
  return port >= 1 && port <= 65_535 ? { host, port } : null;
}
