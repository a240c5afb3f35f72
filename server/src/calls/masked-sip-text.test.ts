import { describe, expect, it } from 'vitest';
import type { SipRequest } from '../sip/message.ts';
import { maskedSipText } from './masked-sip-text.ts';

function invite(headers: Record<string, string>, body = ''): SipRequest {
  return {
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:+14155550100@gw.example',
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    body,
  };
}

describe('a SIP message as text', () => {
  it('shows who signs in and where, never the proof', () => {
    const text = maskedSipText(
      invite({
        'Proxy-Authorization':
          'Digest username="u", realm="r", nonce="n1", uri="sip:x", response="c0ffee", cnonce="abc", nc=00000001',
      }),
    );
    expect(text).toContain('username="u", realm="r", nonce="n1"');
    expect(text).not.toMatch(/c0ffee|abc/);
  });

  it('shows no token of another scheme and no header that carries a secret', () => {
    const text = maskedSipText(
      invite({
        Authorization: 'Bearer t0p',
        'X-Auth-Token': 's3cret',
        'X-API-Key': 'k3y',
        Subject: 'a',
      }),
    );
    expect(text).not.toMatch(/t0p|s3cret|k3y/);
    expect(text).toContain('Subject: a');
  });

  it('keeps the challenge, and RFC 4568 lines without their key', () => {
    const body =
      'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9|2^20|1:4\r\n';
    const text = maskedSipText(invite({ 'WWW-Authenticate': 'Digest realm="r"' }, body));
    expect(text).toContain('Digest realm="r"');
    expect(text).toContain('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***|2^20|1:4');
  });

  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', 'Signal=***\r\nDuration=160'],
    ['application/dtmf-relay;x=y', 'Duration=160\nsignal= #', 'signal= ***'],
    ['application/dtmf', '5', '***'],
  ])('shows no key that was pressed: %s "%s"', (type, body, shown) => {
    const text = maskedSipText(invite({ 'Content-Type': type }, body));
    expect(text).toContain(shown);
    expect(text.split('\r\n\r\n')[1]).not.toMatch(/[5#]/);
  });

  it('cuts what is too long to read, and never throws', () => {
    expect(maskedSipText(invite({}, 'x'.repeat(50_000))).length).toBeLessThan(17_000);
    expect(maskedSipText(invite({ 'bad name': 'a\r\nb' }))).toMatch(/cannot be shown/);
  });
});
