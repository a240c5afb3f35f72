import { SIPTransport } from '@livekit/protocol';
import { describe, expect, it } from 'vitest';
import { readAddress } from './trunk-address.ts';

const { SIP_TRANSPORT_AUTO: AUTO, SIP_TRANSPORT_TCP: TCP, SIP_TRANSPORT_TLS: TLS } = SIPTransport;

describe('the address of an outbound trunk', () => {
  it.each([
    ['trunk.provider.com', AUTO, 'trunk.provider.com', AUTO, 'trunk.provider.com', 5060, 'udp'],
    [
      'trunk.provider.com:5070',
      TCP,
      'trunk.provider.com:5070',
      TCP,
      'trunk.provider.com',
      5070,
      'tcp',
    ],
    ['sip:trunk.provider.com', AUTO, 'trunk.provider.com', AUTO, 'trunk.provider.com', 5060, 'udp'],
    ['sips:trunk.provider.com', AUTO, 'trunk.provider.com', TLS, 'trunk.provider.com', 5061, 'tls'],
    ['sip:10.0.0.1:5080;transport=tcp', AUTO, '10.0.0.1:5080', TCP, '10.0.0.1', 5080, 'tcp'],
    ['[2001:db8::1]:5080', AUTO, '[2001:db8::1]:5080', AUTO, '2001:db8::1', 5080, 'udp'],
    ['host', TLS, 'host', TLS, 'host', 5061, 'tls'],
  ] as const)('%s', (text, given, address, transport, host, port, wire) => {
    expect(readAddress(text, given)).toEqual({
      address,
      transport,
      gateway: { host, port, transport: wire },
    });
  });

  it.each(['', 'user@host', 'host;transport=tcp', 'host:99999', 'a b', 'host:5060:5061'])(
    'is refused where it is %j',
    (text) => {
      expect(() => readAddress(text, AUTO)).toThrowError(/address/);
    },
  );
});
