import { lookup } from 'node:dns/promises';
import type { Clock } from '../shared/clock.ts';

export interface NameCacheOptions {
  clock: Clock;
  /** All addresses of a name. Default: the system's resolver. */
  resolve?: (host: string) => Promise<string[]>;
  /** An answer that old is asked for anew. Default 30,000. */
  ttlMs?: number;
  /** Nobody waits longer for an answer; it counts when it comes. Default 500. */
  patienceMs?: number;
  /** Names that are remembered. Default 10,000. */
  capacity?: number;
}

interface Entry {
  addresses: string[];
  atMs: number;
  asking: Promise<void> | null;
}

/**
 * Addresses of gateways' names. A name server that is away holds nobody up: what was known stays in
 * force, and a name that was never answered has no address.
 */
export class NameCache {
  readonly #options: Required<NameCacheOptions>;
  readonly #entries = new Map<string, Entry>();

  constructor(options: NameCacheOptions) {
    this.#options = {
      resolve: systemResolve,
      ttlMs: 30_000,
      patienceMs: 500,
      capacity: 10_000,
      ...options,
    };
  }

  async addressesOf(host: string): Promise<string[]> {
    const { clock, ttlMs, patienceMs, capacity } = this.#options;
    let entry = this.#entries.get(host);
    if (entry && clock.monotonicMs() - entry.atMs < ttlMs) return entry.addresses;
    if (!entry) {
      const [oldest] = this.#entries.keys();
      if (this.#entries.size >= capacity && oldest !== undefined) this.#entries.delete(oldest);
      entry = { addresses: [], atMs: -Infinity, asking: null };
      this.#entries.set(host, entry);
    }
    entry.asking ??= this.#ask(host, entry);
    const late = new AbortController();
    await Promise.race([entry.asking, clock.sleep(patienceMs, late.signal).catch(() => undefined)]);
    late.abort();
    return entry.addresses;
  }

  async #ask(host: string, entry: Entry): Promise<void> {
    try {
      entry.addresses = await this.#options.resolve(host);
    } catch {
      // No such name, or nobody to ask: what was known before counts until the next time.
    } finally {
      entry.atMs = this.#options.clock.monotonicMs();
      entry.asking = null;
    }
  }
}

/** All addresses of a name. Rejects where there are none. */
export async function systemResolve(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
