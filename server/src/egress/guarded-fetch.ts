import { Agent, fetch as undiciFetch } from 'undici';
import { createAddressGate } from './address-gate.ts';
import { guardedConnector, type ResolveHost } from './guarded-connector.ts';
import { urlRefusal } from './target-url.ts';
import { EgressError } from './egress-error.ts';

export interface GuardedFetchOptions {
  /** CIDRs of addresses that are not public and may be asked all the same. */
  allowPrivateTargets: readonly string[];
  /** Default: the system's resolver. */
  resolve?: ResolveHost;
}

const CONNECT_TIMEOUT_MS = 5_000;
const CONNECTIONS = 256;

/**
 * `fetch` for clients that stream, such as those of language models, to addresses that strangers
 * name: the address is judged at the moment of the connection, and no redirect is followed. Time
 * and size are the client's to limit.
 */
export function createGuardedFetch(options: GuardedFetchOptions): typeof fetch {
  const gate = createAddressGate(options.allowPrivateTargets);
  const dispatcher = new Agent({
    connect: guardedConnector({
      gate,
      resolve: options.resolve,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    }),
    connections: CONNECTIONS,
  });
  const guarded = (
    input: Parameters<typeof undiciFetch>[0],
    init?: Parameters<typeof undiciFetch>[1],
  ): ReturnType<typeof undiciFetch> => {
    const url = typeof input === 'string' ? input : 'href' in input ? input.href : input.url;
    const refusal = urlRefusal(url, gate);
    if (refusal !== null) return Promise.reject(new EgressError('refused-target', refusal));
    return undiciFetch(input, { ...init, dispatcher, redirect: 'error' });
  };
  // Undici's types of fetch and Node's are those of two copies of the same code.
  return guarded as unknown as typeof fetch;
}
