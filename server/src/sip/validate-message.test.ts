import { describe, expect, it } from 'vitest';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';
import { validateRequest, validateResponse } from './validate-message.ts';

const FIELDS: Record<string, string> = {
  Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
  From: '<sip:a@192.0.2.1>;tag=1',
  To: '<sip:b@192.0.2.2>',
  'Call-ID': 'x@192.0.2.1',
  CSeq: '1 OPTIONS',
  'Max-Forwards': '70',
};

function headers(changes: Record<string, string | null>): SipHeader[] {
  return Object.entries({ ...FIELDS, ...changes })
    .filter((entry): entry is [string, string] => entry[1] !== null)
    .map(([name, value]) => ({ name, value }));
}

function request(changes: Record<string, string | null> = {}, uri = 'sip:b@192.0.2.2'): SipRequest {
  return { kind: 'request', method: 'OPTIONS', uri, headers: headers(changes), body: '' };
}

function response(changes: Record<string, string | null> = {}): SipResponse {
  return { kind: 'response', status: 200, reason: 'OK', headers: headers(changes), body: '' };
}

describe('validateRequest', () => {
  it('takes a good request', () => {
    expect(validateRequest(request())).toBeNull();
  });

  it.each(['Via', 'From', 'To', 'Call-ID', 'CSeq'])(
    'RFC 3261 §8.1.1: a request without %s is answered 400',
    (name) => {
      expect(validateRequest(request({ [name]: null }))).toEqual({
        status: 400,
        reason: `Bad Request (Missing ${name})`,
      });
    },
  );

  it.each([
    ['Via', 'SIP/2.0/UDP'],
    ['Via', 'SIP/2.0/UDP a;branch=z9hG4bK'],
    ['From', 'nobody'],
    ['To', '<sip:@x>'],
    ['Call-ID', ''],
    ['CSeq', '1 INVITE'],
    ['CSeq', '1 options'],
    ['CSeq', '4294967296 OPTIONS'],
    ['Max-Forwards', '256'],
    ['Max-Forwards', '-1'],
    ['Max-Forwards', 'x'],
    ['Contact', '<sip:a@b>;;'],
    ['Contact', ''],
    ['Route', '<sip:a;lr>, <'],
    ['Record-Route', 'x'],
  ])('%s: %j is answered 400', (name, value) => {
    expect(validateRequest(request({ [name]: value }))?.status).toBe(400);
  });

  it.each(['To', 'From', 'CSeq', 'Call-ID', 'Max-Forwards'])('%s may not come twice', (name) => {
    const doubled = request();
    doubled.headers.push({ name: name.toLowerCase(), value: FIELDS[name] ?? '' });
    expect(validateRequest(doubled)).toEqual({
      status: 400,
      reason: `Bad Request (Repeated ${name})`,
    });
  });

  it.each([
    ['mailto:a@b', 416],
    ['sip:a@b?Route=x', 400],
    ['sip:a@', 400],
    ['nothing', 400],
  ])('RFC 3261 §8.2.2.1: Request-URI %s is answered %i', (uri, status) => {
    expect(validateRequest(request({}, uri))?.status).toBe(status);
  });

  it.each(['sip:b', 'sips:b@c', 'tel:+15005550101', 'sip:[2001:db8::1]:5060;lr'])(
    'Request-URI %s is good',
    (uri) => {
      expect(validateRequest(request({}, uri))).toBeNull();
    },
  );

  it('RFC 3261 §10.2.2: a Contact of * is good', () => {
    expect(validateRequest(request({ Contact: '*' }))).toBeNull();
  });

  it('RFC 4475 §3.4.1: what RFC 2543 leaves out may be missing', () => {
    const old = request({ Via: 'SIP/2.0/UDP a', From: 'sip:a@b', 'Max-Forwards': null });
    expect(validateRequest(old)).toBeNull();
  });
});

describe('validateResponse', () => {
  it('takes a good response', () => {
    expect(validateResponse(response())).toBe(true);
  });

  it.each([
    ['Via', null],
    ['Via', 'SIP/2.0/UDP a, SIP/2.0/UDP b'],
    ['From', null],
    ['To', 'x'],
    ['Call-ID', ''],
    ['CSeq', null],
    ['CSeq', 'x'],
  ])('drops %s: %j', (name, value) => {
    expect(validateResponse(response({ [name]: value }))).toBe(false);
  });
});
