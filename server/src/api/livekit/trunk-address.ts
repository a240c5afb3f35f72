import { SIPTransport } from '@livekit/protocol';
import type { NewGateway } from '../../db/queries/gateways.ts';
import { TwirpError } from './twirp-error.ts';

/** Where an outbound trunk sends its calls. */
export interface TrunkAddress {
  /** `host` or `host:port`, as LiveKit keeps it. */
  address: string;
  transport: SIPTransport;
  gateway: NewGateway;
}

const URI = /^(sips?):(?:[^@;?]*@)?/i;

/**
 * Reads `host[:port]`. A SIP URI, which LiveKit refuses and its own course shows, is taken as well:
 * scheme and `transport` parameter give the transport where the field does not.
 * @throws TwirpError
 */
export function readAddress(text: string, transport: SIPTransport): TrunkAddress {
  const trimmed = text.trim();
  if (trimmed === '') throw invalid('no outbound address specified');
  const scheme = URI.exec(trimmed)?.[1]?.toLowerCase();
  const [hostPort = '', ...parameters] = trimmed.replace(URI, '').split(/[;?]/);
  if (scheme === undefined && parameters.length > 0) {
    throw invalid('trunk address should be a hostname or IP, with a port or without');
  }
  const asParameter = parameters
    .map((parameter) => /^transport=(udp|tcp|tls)$/i.exec(parameter)?.[1]?.toUpperCase())
    .find((found) => found !== undefined) as 'UDP' | 'TCP' | 'TLS' | undefined;
  const chosen =
    transport !== SIPTransport.SIP_TRANSPORT_AUTO
      ? transport
      : asParameter
        ? SIPTransport[`SIP_TRANSPORT_${asParameter}`]
        : scheme === 'sips'
          ? SIPTransport.SIP_TRANSPORT_TLS
          : SIPTransport.SIP_TRANSPORT_AUTO;
  const wire = WIRE[chosen];
  const { host, port } = hostAndPort(hostPort, wire === 'tls' ? 5061 : 5060);
  return {
    address: hostPort,
    transport: chosen,
    gateway: { host, port, transport: wire },
  };
}

const WIRE: Record<SIPTransport, NewGateway['transport']> = {
  [SIPTransport.SIP_TRANSPORT_AUTO]: 'udp',
  [SIPTransport.SIP_TRANSPORT_UDP]: 'udp',
  [SIPTransport.SIP_TRANSPORT_TCP]: 'tcp',
  [SIPTransport.SIP_TRANSPORT_TLS]: 'tls',
};

function hostAndPort(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || host.includes('@')) {
    throw invalid('trunk address should be a hostname or IP, with a port or without');
  }
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (port < 1 || port > 65_535) throw invalid('the port of the trunk address is not one');
  return { host, port };
}

function invalid(message: string): TwirpError {
  return new TwirpError('invalid_argument', message, { argument: 'address' });
}
