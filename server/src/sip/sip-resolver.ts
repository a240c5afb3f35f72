import { lookup, Resolver } from 'node:dns/promises';
import type { SrvRecord } from './srv-order.ts';

/** One NAPTR record that leads to SRV records (RFC 3263 §4.1). */
export interface NaptrRecord {
  order: number;
  preference: number;
  flags: string;
  service: string;
  replacement: string;
}

export interface ResolvedAddress {
  address: string;
  /** How long it holds; null: not known. */
  ttlS: number | null;
}

/** Asks a name server. Each rejects where the name has no such record, and where nobody answers. */
export interface SipResolver {
  naptr(name: string): Promise<NaptrRecord[]>;
  srv(name: string): Promise<SrvRecord[]>;
  /** IPv4 addresses before IPv6 ones. */
  addresses(name: string): Promise<ResolvedAddress[]>;
}

/** A name server that is silent is asked once more, so long each. */
const TIMEOUT_MS = 1500;

/**
 * The machine's name servers. Names that only the machine itself knows (its hosts file) are found too.
 * @param servers `address` or `address:port`. Default: those of the machine.
 */
export function createSipResolver(servers?: readonly string[]): SipResolver {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 2 });
  if (servers) resolver.setServers([...servers]);
  return {
    naptr: (name) => resolver.resolveNaptr(name),
    srv: (name) => resolver.resolveSrv(name),
    async addresses(name) {
      const [v4, v6] = await Promise.allSettled([
        resolver.resolve4(name, { ttl: true }),
        resolver.resolve6(name, { ttl: true }),
      ]);
      const found = [v4, v6]
        .flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
        .map(({ address, ttl }) => ({ address, ttlS: ttl }));
      if (servers) {
        if (found.length === 0 && v4.status === 'rejected') throw v4.reason as Error;
        return found;
      }
      // The hosts file goes before name servers: what it says is none of theirs.
      const known = await lookup(name, { all: true }).catch(() => []);
      const isOverridden = !known.some((one) =>
        found.some(({ address }) => address === one.address),
      );
      if (known.length > 0 && isOverridden) {
        return known.map(({ address }) => ({ address, ttlS: null }));
      }
      if (found.length === 0 && v4.status === 'rejected') throw v4.reason as Error;
      return found;
    },
  };
}
