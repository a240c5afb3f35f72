import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { createAddressGate } from './address-gate.ts';
import { systemResolve, type ResolveHost } from './guarded-connector.ts';
import { EgressError } from './egress-error.ts';
import { urlRefusal } from './target-url.ts';

/** Keeps clients that open a socket by themselves, WebSocket ones say, to public addresses. */
export interface SocketGuard {
  /** Why a URL (http, https, ws, wss) may not be opened; null: it may be tried. */
  refusal(url: string): string | null;
  /** In the place of `dns.lookup`: one address that is not allowed refuses its whole host. */
  readonly lookup: LookupFunction;
}

export interface SocketGuardOptions {
  /** CIDRs of addresses that are not public and may be asked all the same. */
  allowPrivateTargets: readonly string[];
  /** Default: the system's resolver. */
  resolve?: ResolveHost;
}

/** Judges the addresses that are connected to, so no second answer of a name server comes between. */
export function createSocketGuard(options: SocketGuardOptions): SocketGuard {
  const gate = createAddressGate(options.allowPrivateTargets);
  const resolve = options.resolve ?? systemResolve;

  async function judged(hostname: string): Promise<{ address: string; family: number }[]> {
    const addresses = await resolve(hostname);
    for (const address of addresses) {
      const refusal = gate.refusal(address);
      if (refusal !== null) throw new EgressError('refused-target', `${hostname}: ${refusal}`);
    }
    if (addresses.length === 0) throw new EgressError('unresolved', `${hostname} has no address`);
    return addresses.map((address) => ({ address, family: isIP(address) }));
  }

  const found = callbackify(judged);
  return {
    refusal: (url) => urlRefusal(url.replace(/^ws(s?):/i, 'http$1:'), gate),
    lookup(hostname, { all }, callback) {
      found(hostname, (error, addresses) => {
        const [first] = addresses ?? [];
        if (error) callback(error, '');
        else if (all) callback(null, addresses);
        else callback(null, first?.address ?? '', first?.family ?? 4);
      });
    },
  };
}
