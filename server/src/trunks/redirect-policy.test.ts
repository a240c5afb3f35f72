import { describe, expect, it } from 'vitest';
import { makeResponse } from '../sip/make-response.ts';
import { redirectContacts } from '../sip/redirect-contacts.ts';
import { peerRequest } from '../sip/testing/memory-wire.ts';
import { isReachableRedirect, isRedirectHost, redirectTargets } from './redirect-policy.ts';

function contactsOf(...values: string[]): ReturnType<typeof redirectContacts> {
  const headers = values.map((value) => ({ name: 'Contact', value }));
  return redirectContacts(makeResponse(peerRequest('INVITE'), 302, { headers }));
}

const NONE = new Set<string>();

describe('T28 RFC 3261 §8.1.3.4: where a 3xx may send a call', () => {
  it('T28 RFC 3261 §8.1.3.4: contacts are tried by q, best first', () => {
    const contacts = contactsOf(
      '<sip:+1@b.example>;q=0.5, <sip:+1@c.example>;q=wrong',
      '<sip:+1@a.example>',
      '*',
    );
    expect(contacts.map(({ uri, q }) => [uri, q])).toEqual([
      ['sip:+1@a.example', 1],
      ['sip:+1@b.example', 0.5],
      ['sip:+1@c.example', 0],
    ]);
  });

  it('T28: nowhere, unless hosts are named', () => {
    expect(redirectTargets(contactsOf('<sip:+1@a.example>'), [], NONE)).toEqual([]);
  });

  it.each([
    ['<sip:+1@a.example>', ['a.example'], true],
    ['<sip:+1@A.Example>', ['a.example'], true],
    ['<sip:+1@b.a.example>', ['a.example'], false],
    ['<sip:+1@b.a.example>', ['*.a.example'], true],
    ['<sip:+1@a.example>', ['*.a.example'], false],
    ['<sip:+1@evila.example>', ['*.a.example'], false],
    ['<sip:+1@203.0.114.9>', ['203.0.114.0/24'], true],
    ['<sip:+1@203.0.115.9>', ['203.0.114.0/24'], false],
    ['<sip:+1@10.1.1.1>', ['0.0.0.0/0'], false],
    ['<sip:+1@127.0.0.1:5099>', ['127.0.0.0/8'], false],
    ['<sip:+1@169.254.169.254>', ['169.254.0.0/16'], false],
    ['<sip:+1@[::1]>', ['::/0'], false],
    ['<sip:+1@10.1.1.1>', ['10.1.1.1'], true],
    ['<tel:+1>', ['a.example'], false],
    ['<http://a.example/>', ['a.example'], false],
    ['<sip:a.example>', ['a.example'], false],
    ['<sip:+1@a.example?Route=%3Csip:x%3E>', ['a.example'], false],
  ])('T28: %s with %j', (contact, hosts, isAllowed) => {
    expect(redirectTargets(contactsOf(contact), hosts, NONE)).toHaveLength(isAllowed ? 1 : 0);
  });

  it('T28: at most five, none twice, and never where the call came from', () => {
    const many = contactsOf(
      ...Array.from({ length: 30 }, (_one, index) => `<sip:+${index % 12}@a.example>`),
    );
    const targets = redirectTargets(many, ['a.example'], new Set(['sip:+0@a.example']));
    expect(targets.map(({ user }) => user)).toEqual(['+1', '+2', '+3', '+4', '+5']);
  });

  it('T28 RFC 3263 §4: port, scheme and transport say where it is', () => {
    const [tls, tcp, plain] = redirectTargets(
      contactsOf('<sips:+1@a.example:5099>, <sip:+2@a.example;transport=TCP>, <sip:+3@a.example>'),
      ['a.example'],
      NONE,
    );
    expect(tls?.server).toEqual({
      host: 'a.example',
      port: 5099,
      transport: 'tls',
      lookup: 'address',
    });
    expect(tcp?.server).toMatchObject({ transport: 'tcp', lookup: 'srv' });
    expect(plain?.server).toMatchObject({ transport: 'udp', port: 5060, lookup: 'naptr' });
  });

  it('T28: a name that leads to a private address is not followed', () => {
    expect(isReachableRedirect({ host: '203.0.114.1' }, ['a.example'])).toBe(true);
    expect(isReachableRedirect({ host: '10.0.0.1' }, ['a.example', '10.0.0.0/8'])).toBe(false);
    expect(isReachableRedirect({ host: '10.0.0.1' }, ['10.0.0.1'])).toBe(true);
    expect(isReachableRedirect({ host: 'a.example' }, ['a.example'])).toBe(false);
  });

  it.each([
    ['a.example', true],
    ['*.a.example', true],
    ['203.0.113.0/24', true],
    ['::/0', true],
    ['1.2.3.4/33', false],
    ['*', false],
    ['sip:a.example', false],
    ['a b', false],
    ['', false],
  ])('T28: %j can stand in redirect_hosts: %s', (text, isGood) => {
    expect(isRedirectHost(text)).toBe(isGood);
  });
});
