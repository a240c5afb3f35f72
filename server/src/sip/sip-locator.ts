import { isIP } from 'node:net';
import type { Clock } from '../shared/clock.ts';
import type { SipAddress, SipTransportName } from './message.ts';
import type { NaptrRecord, ResolvedAddress, SipResolver } from './sip-resolver.ts';
import { srvOrder, type SrvRecord } from './srv-order.ts';

/** A server as somebody wrote it down. */
export interface SipServerName extends SipAddress {
  /**
   * `address`: the name has addresses; `srv`: SRV records of the transport, where there are some;
   * `naptr`: NAPTR records choose the transport too (RFC 3263 §4.1, §4.2).
   */
  lookup: 'address' | 'srv' | 'naptr';
}

export interface SipLocatorOptions {
  resolver: SipResolver;
  clock: Clock;
  /** 0 to 1. Default `Math.random`. */
  random?: () => number;
  /** Whether we speak a transport. Default: all. */
  supports?: (transport: SipTransportName) => boolean;
  /** Whether our sockets reach an address, by its family. Default: all. */
  reaches?: (address: string) => boolean;
}

/** RFC 3263 §4.1: what NAPTR records call the transports. */
const SERVICES: Readonly<Record<string, SipTransportName>> = {
  'sip+d2u': 'udp',
  'sip+d2t': 'tcp',
  'sips+d2t': 'tls',
};
const SRV_PREFIX: Record<SipTransportName, string> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
};
/** Targets of one server name that are tried in turn. */
const MAX_TARGETS = 8;
/** Records of one answer that are looked at. */
const MAX_RECORDS = 32;
/** Nobody waits longer for name servers; what was known before counts then. */
const PATIENCE_MS = 4000;
/** How long an answer holds that says nothing of that: NAPTR, SRV, and names of the hosts file. */
const DEFAULT_TTL_S = 60;
const MIN_TTL_S = 5;
const MAX_TTL_S = 3600;
/** How long it holds that there is no such record, or nobody to ask. */
const MISSING_TTL_S = 30;
const CAPACITY = 10_000;

interface Entry {
  /** Null: there are none, as far as is known. */
  records: unknown;
  untilMs: number;
  asking: Promise<void> | null;
}

/** Finds the addresses of SIP servers (RFC 3263 §4), and remembers them for as long as they hold. */
export class SipLocator {
  readonly #options: Required<SipLocatorOptions>;
  readonly #entries = new Map<string, Entry>();

  constructor(options: SipLocatorOptions) {
    this.#options = { random: Math.random, supports: () => true, reaches: () => true, ...options };
  }

  /**
   * Where to send, in the order in which it is tried. Never empty and never rejects: a name that
   * nobody knows is returned as it stands, and sending there tells why not.
   */
  async locate(server: SipServerName): Promise<SipAddress[]> {
    const { host, port, transport, lookup } = server;
    const asIs: SipAddress = { host, port, transport };
    if (isIP(host) !== 0 || host.toLowerCase() === 'localhost') return [asIs];
    const late = new AbortController();
    const found = await Promise.race([
      lookup === 'address' ? this.#addressesOf(asIs, host) : this.#services(asIs, lookup),
      this.#options.clock.sleep(PATIENCE_MS, late.signal).then(
        () => [],
        () => [],
      ),
    ]);
    late.abort();
    return found.length > 0 ? found.slice(0, MAX_TARGETS) : [asIs];
  }

  async #services(server: SipAddress, lookup: 'srv' | 'naptr'): Promise<SipAddress[]> {
    const choices =
      lookup === 'naptr' ? await this.#naptr(server.host) : [srvOf(server, server.transport)];
    const list = choices.length > 0 ? choices : this.#guessed(server);
    for (const { transport, name } of list) {
      const records = await this.#ask<SrvRecord>(`srv ${name}`, DEFAULT_TTL_S, (resolver) =>
        resolver.srv(name),
      );
      // RFC 2782: a target of "." says that the service is not there.
      const usable = records.filter((record) => record.name !== '' && record.name !== '.');
      const targets: SipAddress[] = [];
      for (const record of srvOrder(usable, this.#options.random)) {
        const at = { host: record.name, port: record.port, transport };
        targets.push(...(await this.#addressesOf(at, server.host)));
        if (targets.length >= MAX_TARGETS) break;
      }
      if (targets.length > 0) return targets;
    }
    // RFC 3263 §4.2: without SRV records the name itself.
    return this.#addressesOf(server, server.host);
  }

  /** RFC 3263 §4.1: the transports that both sides speak, in the order that the far side wants. */
  async #naptr(host: string): Promise<{ transport: SipTransportName; name: string }[]> {
    const records = await this.#ask<NaptrRecord>(`naptr ${host}`, DEFAULT_TTL_S, (resolver) =>
      resolver.naptr(host),
    );
    return records
      .filter(({ flags }) => flags.toLowerCase() === 's')
      .sort((a, b) => a.order - b.order || a.preference - b.preference)
      .flatMap(({ service, replacement }) => {
        const transport = SERVICES[service.toLowerCase()];
        const isSpoken = transport !== undefined && this.#options.supports(transport);
        return isSpoken && replacement !== '' ? [{ transport, name: replacement }] : [];
      });
  }

  /** RFC 3263 §4.1: without NAPTR records each transport is asked for. */
  #guessed(server: SipAddress): { transport: SipTransportName; name: string }[] {
    const rest = (['udp', 'tcp', 'tls'] as const).filter((one) => one !== server.transport);
    return [server.transport, ...rest]
      .filter((transport) => this.#options.supports(transport))
      .map((transport) => srvOf(server, transport));
  }

  /** @param serverName the name that was asked for, which a certificate must show (RFC 5922 §4). */
  async #addressesOf(at: SipAddress, serverName: string): Promise<SipAddress[]> {
    const { host, port, transport } = at;
    const named = transport === 'tls' ? { serverName } : {};
    if (isIP(host) !== 0) return [{ host, port, transport, ...named }];
    const found = await this.#ask<ResolvedAddress>(
      `address ${host}`,
      (records) => Math.min(...records.map(({ ttlS }) => ttlS ?? DEFAULT_TTL_S)),
      (resolver) => resolver.addresses(host),
    );
    const { reaches } = this.#options;
    const reached = found.filter(({ address }) => reaches(address));
    return reached.map(({ address }) => ({ host: address, port, transport, ...named }));
  }

  async #ask<Record>(
    key: string,
    ttlS: number | ((records: readonly Record[]) => number),
    ask: (resolver: SipResolver) => Promise<Record[]>,
  ): Promise<readonly Record[]> {
    const { clock, resolver } = this.#options;
    const entry = this.#entryOf(key.toLowerCase());
    const recordsOf = (): readonly Record[] => (entry.records ?? []) as readonly Record[];
    if (clock.monotonicMs() < entry.untilMs) return recordsOf();
    entry.asking ??= ask(resolver)
      .then(
        (records) => {
          const kept = records.slice(0, MAX_RECORDS);
          entry.records = kept;
          const wantedS = typeof ttlS === 'number' ? ttlS : ttlS(kept);
          const heldS = kept.length === 0 ? MISSING_TTL_S : clamped(wantedS);
          entry.untilMs = clock.monotonicMs() + heldS * 1000;
        },
        (error: unknown) => {
          // What was known stays in force while name servers are away, not when they say otherwise.
          if (isDenial(error)) entry.records = null;
          entry.untilMs = clock.monotonicMs() + MISSING_TTL_S * 1000;
        },
      )
      .finally(() => {
        entry.asking = null;
      });
    await entry.asking;
    return recordsOf();
  }

  #entryOf(key: string): Entry {
    const known = this.#entries.get(key);
    if (known) return known;
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= CAPACITY && oldest !== undefined) this.#entries.delete(oldest);
    const made: Entry = { records: null, untilMs: -Infinity, asking: null };
    this.#entries.set(key, made);
    return made;
  }
}

function srvOf(
  { host }: SipAddress,
  transport: SipTransportName,
): { transport: SipTransportName; name: string } {
  return { transport, name: `${SRV_PREFIX[transport]}${host}` };
}

function clamped(ttlS: number): number {
  return Math.min(Math.max(ttlS, MIN_TTL_S), MAX_TTL_S);
}

/** NXDOMAIN and NODATA are answers; the rest is no answer. */
function isDenial(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}
