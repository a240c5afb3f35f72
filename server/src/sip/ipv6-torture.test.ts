import { describe, expect, it } from 'vitest';
import { parseMessage } from './parse-message.ts';
import { parseNameAddr } from './parse-name-addr.ts';
import { parseUri } from './parse-uri.ts';
import { parseVia } from './parse-via.ts';
import { getHeader } from './message.ts';
import { validateRequest, validateResponse } from './validate-message.ts';

/** A request as RFC 5118 has them, with one part of it replaced. */
function request(method: string, uri: string, over: Record<string, string> = {}): Buffer {
  const fields: Record<string, string> = {
    To: 'sip:user@example.com',
    From: 'sip:user@example.com;tag=81x2',
    Via: 'SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111',
    'Call-ID': 'SSG9559905523997077@hlau_4100',
    'Max-Forwards': '70',
    Contact: '"Caller" <sip:caller@[2001:db8::1]>',
    CSeq: `98176 ${method}`,
    'Content-Length': '0',
    ...over,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([`${method} ${uri} SIP/2.0`, ...lines, '', ''].join('\r\n'));
}

const MESSAGES: [clause: string, what: string, bytes: Buffer, status: number | null][] = [
  ['4.1', 'an IPv6 reference in the Request-URI', request('REGISTER', 'sip:[2001:db8::10]'), null],
  ['4.2', 'an address without brackets', request('REGISTER', 'sip:2001:db8::10'), 400],
  [
    '4.3',
    'a port that looks like a part of the address',
    request('REGISTER', 'sip:[2001:db8::10:5070]'),
    null,
  ],
  ['4.4', 'a port behind the brackets', request('REGISTER', 'sip:[2001:db8::10]:5070'), null],
  [
    '4.5',
    'received without brackets',
    request('BYE', 'sip:[2001:db8::10]', {
      Via: 'SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3-111',
    }),
    null,
  ],
  [
    '4.5',
    'received with brackets',
    request('OPTIONS', 'sip:[2001:db8::10]', {
      Via: 'SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3',
    }),
    null,
  ],
  [
    '4.8',
    'IPv4 and IPv6 in one message',
    request('OPTIONS', 'sip:user@[2001:db8::1]', {
      Via: 'SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3, SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK451jj',
      Contact: '<sip:user@[2001:db8::9:1]>, <sip:user@192.0.2.254>',
    }),
    null,
  ],
  ['4.9', 'an IPv4-mapped address', request('OPTIONS', 'sip:user@[::ffff:192.0.2.10]:19823'), null],
  ['4.10', 'three colons in a row', request('OPTIONS', 'sip:user@[2001:db8:::192.0.2.1]'), 400],
];

describe('RFC 5118', () => {
  it.each(MESSAGES)('T01 RFC 5118 §%s: %s', (_clause, _what, bytes, status) => {
    const result = parseMessage(bytes);
    if (!result.ok) {
      expect(result.error.status).toBe(status);
      return;
    }
    const { message } = result;
    if (message.kind !== 'request') throw new Error('expected a request');
    expect(validateRequest(message)?.status ?? null).toBe(status);
  });

  it('T01 RFC 5118 §4.3: what looks like a port inside the brackets belongs to the address', () => {
    expect(parseUri('sip:[2001:db8::10:5070]')).toMatchObject({
      host: '2001:db8::10:5070',
      port: null,
    });
    expect(parseUri('sip:[2001:db8::10]:5070')).toMatchObject({ host: '2001:db8::10', port: 5070 });
  });

  it('T01 RFC 5118 §4.7: two IPv6 addresses in one session description are read', () => {
    const sdp = 'v=0\r\no=- 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\n';
    const bytes = request('INVITE', 'sip:user@[2001:db8::10]', {
      'Content-Type': 'application/sdp',
      'Content-Length': String(sdp.length),
    });
    const result = parseMessage(Buffer.concat([bytes, Buffer.from(sdp)]));
    expect(result.ok && result.message.body).toBe(sdp);
  });

  it('T01 RFC 5118 §4.5: both forms of received mean the same', () => {
    const plain = parseVia('SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255');
    const bracketed = parseVia('SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255]');
    expect(plain?.received).toBe('2001:db8::9:255');
    expect(bracketed?.received).toBe(plain?.received);
  });

  it('T01 RFC 5118 §4.1: a response whose fields name IPv6 hosts is taken', () => {
    const bytes = Buffer.from(
      request('BYE', 'sip:[2001:db8::10]')
        .toString()
        .replace(/^BYE .*?\r\n/, 'SIP/2.0 200 OK\r\n'),
    );
    const result = parseMessage(bytes);
    expect(
      result.ok && result.message.kind === 'response' && validateResponse(result.message),
    ).toBe(true);
    const contact = result.ok ? getHeader(result.message, 'Contact') : undefined;
    expect(parseNameAddr(contact ?? '')?.uri).toBe('sip:caller@[2001:db8::1]');
  });
});
