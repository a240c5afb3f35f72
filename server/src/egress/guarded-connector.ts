import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { callbackify } from 'node:util';
import { buildConnector } from 'undici';
import type { AddressGate } from './address-gate.ts';
import { EgressError } from './egress-error.ts';

/** Addresses of a host name. Default: the system's resolver, hosts file included. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

export interface GuardedConnectorOptions {
  gate: AddressGate;
  resolve?: ResolveHost | undefined;
  connectTimeoutMs: number;
}

/** Addresses of one host that are tried before it counts as unreachable. */
const MAX_TRIED = 3;

export const systemResolve: ResolveHost = async (hostname) =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * Connects to addresses that the gate lets through. It resolves by itself and connects to what it
 * has judged, so no second answer of a name server comes between the two; one bad address among a
 * host's addresses refuses all of them.
 */
export function guardedConnector(options: GuardedConnectorOptions): buildConnector.connector {
  const { gate, resolve = systemResolve } = options;
  // HTTP/1.1 only: one way of framing to defend against, and one request a connection.
  const connect = buildConnector({ timeout: options.connectTimeoutMs, allowH2: false });

  async function open(target: buildConnector.Options): Promise<Socket | TLSSocket> {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const addresses = await judgedAddresses(host, gate, resolve);
    // RFC 6066 §3: the server name is a host name, never an address.
    const servername = isIP(host) === 0 ? host.replace(/\.$/, '') : '';
    let failure: Error | null = null;
    for (const hostname of addresses.slice(0, MAX_TRIED)) {
      const tried = await connectOnce(connect, {
        ...target,
        hostname,
        ...(target.protocol === 'https:' ? { servername } : { servername: hostname }),
      });
      if (tried instanceof Error) {
        failure = tried;
        continue;
      }
      const refusal = gate.refusal(tried.remoteAddress ?? '');
      if (refusal === null) return tried;
      tried.destroy();
      throw new EgressError('refused-target', `${host}: ${refusal}`);
    }
    throw failure ?? new EgressError('unresolved', `${host} has no address`);
  }

  const opened = callbackify(open);
  return (target, callback) => {
    opened(target, (error, socket) => (error ? callback(error, null) : callback(null, socket)));
  };
}

async function judgedAddresses(
  host: string,
  gate: AddressGate,
  resolve: ResolveHost,
): Promise<readonly string[]> {
  const addresses = isIP(host) === 0 ? await resolved(host, resolve) : [host];
  for (const address of addresses) {
    const refusal = gate.refusal(address);
    if (refusal !== null) throw new EgressError('refused-target', `${host}: ${refusal}`);
  }
  return addresses;
}

async function resolved(host: string, resolve: ResolveHost): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch (error) {
    throw new EgressError('unresolved', `${host} could not be resolved`, { cause: error });
  }
}

function connectOnce(
  connect: buildConnector.connector,
  target: buildConnector.Options,
): Promise<Socket | TLSSocket | Error> {
  return new Promise((done) => {
    connect(target, (...[error, socket]) => {
      done(socket ?? error ?? new Error('the connector gave neither socket nor error'));
    });
  });
}
