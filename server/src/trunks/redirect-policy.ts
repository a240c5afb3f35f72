import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { SipAddress } from '../sip/message.ts';
import { parseUri } from '../sip/parse-uri.ts';
import type { RedirectContact } from '../sip/redirect-contacts.ts';
import type { SipServerName } from '../sip/sip-locator.ts';

/** A contact of a 3xx that may be called. */
export interface RedirectTarget {
  requestUri: string;
  /** What stands before the @. */
  user: string;
  server: SipServerName;
}

/** Contacts of all redirections of one call that are followed (RFC 3261 §8.1.3.4). */
export const MAX_REDIRECTS = 5;

/**
 * The contacts that a trunk's `redirect_hosts` let a call go to, best first.
 * @param seen Request-URIs that were called already, so that nobody is called in a circle.
 */
export function redirectTargets(
  contacts: readonly RedirectContact[],
  allowedHosts: readonly string[],
  seen: ReadonlySet<string>,
): RedirectTarget[] {
  const targets: RedirectTarget[] = [];
  for (const { uri } of contacts) {
    const target = targetOf(uri);
    if (!target || seen.has(target.requestUri) || !isAllowed(target.server.host, allowedHosts)) {
      continue;
    }
    if (targets.some(({ requestUri }) => requestUri === target.requestUri)) continue;
    targets.push(target);
  }
  return targets.slice(0, MAX_REDIRECTS);
}

/** Whether an address that a name of a contact led to may be called: a private one must be named itself. */
export function isReachableRedirect(
  { host }: Pick<SipAddress, 'host'>,
  allowedHosts: readonly string[],
): boolean {
  return isIP(host) !== 0 && (isPublic(host) || allowedHosts.includes(host));
}

/** Whether a text can stand in `redirect_hosts`. */
export function isRedirectHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  if (text.includes('/')) return subnetOf(text) !== null;
  return /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(text);
}

function targetOf(uri: string): RedirectTarget | null {
  const parsed = parseUri(uri);
  if (!parsed || (parsed.scheme !== 'sip' && parsed.scheme !== 'sips')) return null;
  if (parsed.user === null || parsed.user === '' || parsed.headers.size > 0) return null;
  const named = parsed.params.get('transport')?.toLowerCase();
  const transport =
    parsed.scheme === 'sips' || named === 'tls' ? 'tls' : named === 'tcp' ? 'tcp' : 'udp';
  const { host, user } = parsed;
  const port = parsed.port ?? (transport === 'tls' ? 5061 : 5060);
  // RFC 3263 §4: a port rules SRV records out, a transport NAPTR records.
  const lookup =
    parsed.port !== null ? 'address' : named !== undefined ? ('srv' as const) : ('naptr' as const);
  return { requestUri: uri, user, server: { host, port, transport, lookup } };
}

function isAllowed(host: string, allowedHosts: readonly string[]): boolean {
  const wanted = host.toLowerCase();
  if (isIP(host) === 0) {
    return allowedHosts.some((allowed) => {
      const name = allowed.toLowerCase();
      return name.startsWith('*.') ? wanted.endsWith(name.slice(1)) : wanted === name;
    });
  }
  if (allowedHosts.includes(host)) return true;
  const family = isIP(host) === 6 ? 'ipv6' : 'ipv4';
  return (
    isPublic(host) &&
    allowedHosts.some((allowed) => allowed.includes('/') && subnetOf(allowed)?.check(host, family))
  );
}

function subnetOf(text: string): BlockList | null {
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  const length = /^\d{1,3}$/.test(bits) ? Number(bits) : Infinity;
  if (family === 0 || rest.length > 0 || length > (family === 6 ? 128 : 32)) return null;
  const list = new BlockList();
  list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
  return list;
}

function isPublic(host: string): boolean {
  return ipaddr.process(host).range() === 'unicast';
}
