import { describe, expect, it } from 'vitest';
import { dialPlan, type DialPlanTrunk } from './dial-plan.ts';

const trunk: DialPlanTrunk = {
  fromDomain: 'trunk.example',
  headers: {},
  leadingPlus: true,
  callerIdHeader: 'from-and-pai',
};
const gateway = { host: 'gw.example', port: 5060, transport: 'udp' as const };
const numbers = { from: '+14155550100', to: '+4930123456' };

describe('the dial plan of a trunk', () => {
  it('T35 dials E.164 with both caller ID headers by default', () => {
    expect(dialPlan(trunk, gateway, numbers, '192.0.2.1')).toEqual({
      gateway: 'gw.example:5060;udp',
      requestUri: 'sip:+4930123456@gw.example:5060',
      nextHop: gateway,
      from: { uri: 'sip:+14155550100@trunk.example' },
      to: { uri: 'sip:+4930123456@gw.example' },
      headers: [{ name: 'P-Asserted-Identity', value: '<sip:+14155550100@trunk.example>' }],
    });
  });

  it('leaves the plus away everywhere where the carrier rejects it', () => {
    const plan = dialPlan({ ...trunk, leadingPlus: false }, gateway, numbers, '192.0.2.1');
    expect(JSON.stringify(plan)).not.toContain('+');
    expect(plan.requestUri).toBe('sip:4930123456@gw.example:5060');
  });

  it('T07 RFC 3263 §4.2: names no port where SRV records give it, and no transport where NAPTR records do', () => {
    const uriOf = (lookup: 'srv' | 'naptr', transport: 'udp' | 'tls'): string =>
      dialPlan(trunk, { ...gateway, lookup, transport }, numbers, '192.0.2.1').requestUri;
    expect(uriOf('srv', 'udp')).toBe('sip:+4930123456@gw.example');
    expect(uriOf('srv', 'tls')).toBe('sip:+4930123456@gw.example;transport=tls');
    expect(uriOf('naptr', 'tls')).toBe('sip:+4930123456@gw.example');
  });

  it('names the transport where it is not UDP, and brackets IPv6 addresses', () => {
    const v6 = { host: '2001:db8::5', port: 5070, transport: 'tcp' as const };
    const plan = dialPlan({ ...trunk, fromDomain: null }, v6, numbers, '2001:db8::1');
    expect(plan.requestUri).toBe('sip:+4930123456@[2001:db8::5]:5070;transport=tcp');
    expect(plan.from.uri).toBe('sip:+14155550100@[2001:db8::1]');
    expect(plan.gateway).toBe('[2001:db8::5]:5070;tcp');
  });

  it('T35 RFC 3325: From is anonymous where only P-Asserted-Identity may tell the caller', () => {
    const plan = dialPlan({ ...trunk, callerIdHeader: 'pai' }, gateway, numbers, '192.0.2.1');
    expect(plan.from.uri).toBe('sip:anonymous@anonymous.invalid');
    expect(plan.headers[0]?.value).toBe('<sip:+14155550100@trunk.example>');
  });

  it('sends no identity header besides From where the carrier wants that, nor a second one', () => {
    expect(
      dialPlan({ ...trunk, callerIdHeader: 'from' }, gateway, numbers, '192.0.2.1').headers,
    ).toEqual([]);
    const own = { 'p-asserted-identity': '<sip:main@trunk.example>' };
    expect(dialPlan({ ...trunk, headers: own }, gateway, numbers, '192.0.2.1').headers).toEqual([
      { name: 'p-asserted-identity', value: '<sip:main@trunk.example>' },
    ]);
  });
});
