import { isIP } from 'node:net';
import type { AddressGate } from './address-gate.ts';

const MAX_URL_CHARS = 2_000;
const FIRST_FREE_PORT = 1_024;
const LOOPBACK = '127.0.0.1';
const WEB_PORTS: ReadonlySet<string> = new Set(['', '80', '443']);

/**
 * Why a URL may not be asked for anything, as far as it can be seen without a connection; null:
 * it may be tried. Every spelling of an address has become the address in the URL parser.
 */
export function urlRefusal(text: string, gate: AddressGate): string | null {
  if (text.length > MAX_URL_CHARS) return `longer than ${MAX_URL_CHARS} characters`;
  // The URL parser leaves them out in silence: what is asked is not what was written.
  if (/[\t\r\n]/.test(text)) return 'has a tab or a line break';
  if (!URL.canParse(text)) return 'not a URL such as https://example.com/hooks';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return `expected http or https, got ${url.protocol.slice(0, -1)}`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'a user name or password in the URL is not sent; use a header or the signature';
  }
  // Mail, SSH and the like answer with what HTTP makes of them; no web server is down there.
  if (!WEB_PORTS.has(url.port) && Number(url.port) < FIRST_FREE_PORT) {
    return `expected port 80, 443 or one from ${FIRST_FREE_PORT} up, got ${url.port}`;
  }
  const host = hostOf(url);
  const address = isLocalhost(host) ? LOOPBACK : host;
  const refusal = isIP(address) === 0 ? null : gate.refusal(address);
  return refusal && `${refusal}; private targets need ALLOW_PRIVATE_TARGETS`;
}

/** RFC 6761 §6.3: these names lead to this machine, whatever a resolver says. */
function isLocalhost(host: string): boolean {
  return /^(?:.+\.)?localhost\.?$/.test(host);
}

/** The host of a URL without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}
