import { BlockList, isIP } from 'node:net';
import type { GatewayRow } from '../db/queries/gateways.ts';
import { systemResolve } from './name-cache.ts';

/** What says where a trunk's calls come from. */
export interface TrunkSources {
  id: string;
  /** Addresses and CIDRs. */
  allowedSources: readonly string[];
  gateways: readonly SourceGateway[];
}

/** A gateway, as far as it says where calls come from. */
export type SourceGateway = { host: string } & Partial<
  Pick<GatewayRow, 'port' | 'transport' | 'lookup'>
>;

/** Which trunks an address may speak for. Immutable; made anew when trunks change. */
export class SourceList {
  readonly #trunks: { id: string; addresses: BlockList }[];

  private constructor(trunks: { id: string; addresses: BlockList }[]) {
    this.#trunks = trunks;
  }

  static readonly empty = new SourceList([]);

  /**
   * @param resolve all addresses of a gateway that has a host name; failures leave it out.
   *   Default: the system's resolver.
   */
  static async of(
    trunks: readonly TrunkSources[],
    resolve: (gateway: SourceGateway) => Promise<string[]> = ({ host }) => systemResolve(host),
  ): Promise<SourceList> {
    return new SourceList(
      await Promise.all(
        trunks.map(async (trunk) => {
          const addresses = new BlockList();
          for (const source of trunk.allowedSources) addSource(addresses, source);
          for (const gateway of trunk.gateways) {
            const { host } = gateway;
            const found = isIP(host) ? [host] : await resolve(gateway).catch(() => []);
            for (const address of found) addSource(addresses, address);
          }
          return { id: trunk.id, addresses };
        }),
      ),
    );
  }

  /** Trunks that calls from this address may belong to; empty: a stranger. */
  trunksOf(address: string): string[] {
    const plain = withoutMapping(address);
    const family = isIP(plain);
    if (family === 0) return [];
    return this.#trunks
      .filter(({ addresses }) => addresses.check(plain, family === 6 ? 'ipv6' : 'ipv4'))
      .map(({ id }) => id);
  }
}

/** Whether `text` is an address or a CIDR that a source list understands. */
export function isSource(text: string): boolean {
  return addSource(new BlockList(), text);
}

function addSource(list: BlockList, source: string): boolean {
  const [address = '', prefix, ...rest] = source.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  if (prefix === undefined) {
    list.addAddress(address, type);
    return true;
  }
  const bits = Number(prefix);
  if (!/^\d{1,3}$/.test(prefix) || bits > (family === 6 ? 128 : 32)) return false;
  list.addSubnet(address, bits, type);
  return true;
}

/** `::ffff:192.0.2.1` is how a dual-stack socket names an IPv4 peer. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
