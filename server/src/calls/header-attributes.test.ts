import { describe, expect, it } from 'vitest';
import { headerAttributes } from './header-attributes.ts';

const HEADERS = [
  { name: 'Via', value: 'SIP/2.0/UDP x' },
  { name: 'X-Cust', value: 'c-17' },
  { name: 'x-cust', value: 'second' },
  { name: 'X-Long', value: 'x'.repeat(5_000) },
];

describe('headers as attributes', () => {
  it('are those that the trunk names, whatever their case, and the first of each', () => {
    const trunk = { includeHeaders: 'none', headersToAttributes: { 'x-CUST': 'cust.id' } } as const;
    expect(headerAttributes(trunk, HEADERS)).toEqual({ 'cust.id': 'c-17' });
  });

  it('are those that begin with X-, cut where they are long', () => {
    const trunk = { includeHeaders: 'x', headersToAttributes: {} } as const;
    expect(headerAttributes(trunk, HEADERS)).toEqual({
      'sip.h.x-cust': 'c-17',
      'sip.h.x-long': 'x'.repeat(1_024),
    });
  });

  it('are all, fifty at most', () => {
    const trunk = { includeHeaders: 'all', headersToAttributes: {} } as const;
    expect(Object.keys(headerAttributes(trunk, HEADERS))).toEqual([
      'sip.h.via',
      'sip.h.x-cust',
      'sip.h.x-long',
    ]);
    const many = Array.from({ length: 80 }, (_, i) => ({ name: `X-${i}`, value: 'v' }));
    expect(Object.keys(headerAttributes(trunk, many))).toHaveLength(50);
  });
});
