import { describe, expect, it } from 'vitest';
import type { SipHeader } from '../sip/message.ts';
import { peerRequest } from '../sip/testing/memory-wire.ts';
import { callerIdentity } from './inbound-target.ts';

const FROM = '+14155550100';
const NETWORK = '+14155550199';

function callerOf(from: string, headers: Record<string, string>): string {
  const given: SipHeader[] = Object.entries(headers).map(([name, value]) => ({ name, value }));
  const request = peerRequest('INVITE', { headers: given });
  const field = request.headers.find(({ name }) => name === 'From');
  if (field) field.value = `${from};tag=x`;
  return callerIdentity(request);
}

const SIP_FROM = `<sip:${FROM}@carrier.example>`;
const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>';
const PAI = { 'P-Asserted-Identity': `<sip:${NETWORK}@carrier.example>` };

describe('who calls', () => {
  it.each<[string, string, Record<string, string>, string]>([
    ['From alone', SIP_FROM, {}, FROM],
    ['what the carrier asserts before From', SIP_FROM, PAI, NETWORK],
    ['a tel URI', SIP_FROM, { 'P-Asserted-Identity': `<tel:${NETWORK}>` }, NETWORK],
    [
      'the first of two identities that is a number',
      SIP_FROM,
      { 'P-Asserted-Identity': `<sip:alice@carrier.example>, <tel:${NETWORK}>` },
      NETWORK,
    ],
    ['an anonymous From where the carrier tells', ANONYMOUS, PAI, NETWORK],
    ['nobody where nobody tells', ANONYMOUS, {}, 'anonymous'],
    ['Remote-Party-ID', SIP_FROM, { 'Remote-Party-ID': `<sip:${NETWORK}@c.example>` }, NETWORK],
    [
      'no Remote-Party-ID that is private',
      ANONYMOUS,
      { 'Remote-Party-ID': `<sip:${NETWORK}@c.example>;privacy=full` },
      'anonymous',
    ],
    ['not what was only preferred', SIP_FROM, { 'P-Preferred-Identity': `<tel:${NETWORK}>` }, FROM],
    ['From where only the asserted identity is private', SIP_FROM, { ...PAI, Privacy: 'id' }, FROM],
    ['nobody where the caller is anonymous', ANONYMOUS, { ...PAI, Privacy: 'id' }, 'anonymous'],
    ['nobody where the user wants that', SIP_FROM, { ...PAI, Privacy: 'user;id' }, 'anonymous'],
    ['the identity where privacy is none', SIP_FROM, { ...PAI, Privacy: 'none' }, NETWORK],
  ])('T35 RFC 3323, RFC 3325: is %s', (_what, from, headers, caller) => {
    expect(callerOf(from, headers)).toBe(caller);
  });

  it('T35 RFC 3325: a name that is no number is text, and no longer than that', () => {
    expect(callerOf('<sip:alice@c.example>', {})).toBe('alice');
    expect(callerOf(`<sip:${'a'.repeat(500)}@c.example>`, {})).toHaveLength(64);
    expect(callerOf('<sip:c.example>', {})).toBe('anonymous');
  });
});
