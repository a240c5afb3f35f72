import { describe, expect, it } from 'vitest';
import { getHeader, type SipAddress, type SipRequest } from './message.ts';
import { noteSource, responseAddress } from './response-address.ts';

const SOURCE: SipAddress = { host: '198.51.100.7', port: 34_567, transport: 'udp' };

function request(via: string): SipRequest {
  const headers = [{ name: 'Via', value: via }];
  return { kind: 'request', method: 'OPTIONS', uri: 'sip:a', headers, body: '' };
}

function noted(via: string, source = SOURCE): string | undefined {
  const message = request(via);
  noteSource(message, source);
  return getHeader(message, 'Via');
}

describe('noteSource', () => {
  it('T03 RFC 3261 §18.2.1: adds received where sent-by is another host', () => {
    expect(noted('SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1;received=198.51.100.7',
    );
    expect(noted('SIP/2.0/UDP pc.example.com;branch=z9hG4bK1')).toContain('received=198.51.100.7');
  });

  it('RFC 3261 §18.2.1: leaves a Via alone whose sent-by is the source', () => {
    const via = 'SIP/2.0/UDP  198.51.100.7;branch=z9hG4bK1';
    expect(noted(via)).toBe(via);
  });

  it('T03 RFC 3581 §4: fills rport and adds received even where sent-by is the source', () => {
    expect(noted('SIP/2.0/UDP 198.51.100.7;rport;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;rport=34567;received=198.51.100.7',
    );
  });

  it('T03 where it is forced, notes a port that sent-by does not name, unasked', () => {
    const message = request('SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK1');
    noteSource(message, SOURCE, true);
    expect(responseAddress(message, SOURCE)).toEqual(SOURCE);
    const plain = request('SIP/2.0/UDP 198.51.100.7:34567;branch=z9hG4bK1');
    noteSource(plain, SOURCE, true);
    expect(getHeader(plain, 'Via')).toBe('SIP/2.0/UDP 198.51.100.7:34567;branch=z9hG4bK1');
  });

  it('does not believe what the client writes into received and rport', () => {
    expect(noted('SIP/2.0/UDP 198.51.100.7;received=203.0.113.9;branch=z9hG4bK1')).not.toContain(
      '203.0.113.9',
    );
    const both = noted('SIP/2.0/UDP 10.0.0.1;received=203.0.113.9;rport=9;branch=z9hG4bK1');
    expect(both).toContain('rport=34567;received=198.51.100.7');
  });

  it('touches the first of several values only', () => {
    expect(noted('SIP/2.0/UDP a;branch=1;rport, SIP/2.0/TCP b;rport;branch=2')).toBe(
      'SIP/2.0/UDP a;branch=1;rport=34567;received=198.51.100.7, SIP/2.0/TCP b;rport;branch=2',
    );
  });

  it('compares IPv6 without brackets', () => {
    const source: SipAddress = { ...SOURCE, host: '2001:db8::1' };
    const via = 'SIP/2.0/UDP [2001:DB8::1]:5060;branch=1';
    expect(noted(via, source)).toBe(via);
  });

  it('leaves a malformed Via and a request without one', () => {
    expect(noted('nonsense')).toBe('nonsense');
    const none: SipRequest = { ...request(''), headers: [] };
    noteSource(none, SOURCE);
    expect(none.headers).toEqual([]);
  });
});

describe('responseAddress', () => {
  it.each([
    ['SIP/2.0/UDP 192.0.2.1:5062', '192.0.2.1', 5062],
    ['SIP/2.0/UDP 192.0.2.1', '192.0.2.1', 5060],
    ['SIP/2.0/UDP 10.0.0.1:5062;received=192.0.2.9', '192.0.2.9', 5062],
    ['SIP/2.0/UDP 10.0.0.1:5062;received=192.0.2.9;rport=7000', '192.0.2.9', 7000],
    ['SIP/2.0/UDP [2001:db8::1]:5062', '2001:db8::1', 5062],
    ['SIP/2.0/UDP 192.0.2.1;maddr=239.0.0.1', '192.0.2.1', 5060],
    ['nonsense', '198.51.100.7', 34_567],
  ])('T03 RFC 3261 §18.2.2: %s is answered at %s port %i', (via, host, port) => {
    expect(responseAddress(request(via), SOURCE)).toEqual({ host, port, transport: 'udp' });
  });

  it('T03 RFC 3581 §4: after noteSource a client behind NAT is answered where it is seen', () => {
    const message = request('SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1');
    noteSource(message, SOURCE);
    expect(responseAddress(message, SOURCE)).toEqual(SOURCE);
  });
});
