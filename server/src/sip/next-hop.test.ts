import { describe, expect, it } from 'vitest';
import type { SipAddress } from './message.ts';
import { nextHop } from './next-hop.ts';

const PEER: SipAddress = { host: '198.51.100.7', port: 5080, transport: 'tcp' };

describe('nextHop', () => {
  it.each([
    ['sip:bob@203.0.113.5', { host: '203.0.113.5', port: 5060, transport: 'udp' }],
    [
      'sip:bob@203.0.113.5:5070;transport=TCP',
      { host: '203.0.113.5', port: 5070, transport: 'tcp' },
    ],
    ['sips:bob@203.0.113.5', { host: '203.0.113.5', port: 5061, transport: 'tls' }],
    ['sip:bob@[2001:db8::5]:5062', { host: '2001:db8::5', port: 5062, transport: 'udp' }],
  ])('T36 RFC 3261 §8.1.2: %s is reached where it says', (uri, address) => {
    expect(nextHop(uri, PEER)).toEqual(address);
  });

  it.each([
    'sip:bob@edge.example',
    'sip:bob@192.168.1.20:5060',
    'sip:bob@100.64.3.2',
    'tel:+1555',
    'x',
  ])('%s is reached by the address that the dialog is spoken with', (uri) => {
    expect(nextHop(uri, PEER)).toEqual(PEER);
  });

  it('a private address is believed where the peer is private too', () => {
    const peer: SipAddress = { ...PEER, host: '10.0.0.1' };
    expect(nextHop('sip:bob@10.0.0.9', peer)).toMatchObject({ host: '10.0.0.9', port: 5060 });
  });
});
