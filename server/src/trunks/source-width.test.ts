import { describe, expect, it } from 'vitest';
import { refusedSources, sourceWarnings } from './source-width.ts';

describe('G14: how many addresses a list lets in', () => {
  it.each([
    ['192.0.2.1', 'fine'],
    ['192.0.2.0/24', 'fine'],
    ['192.0.2.0/23', 'wide'],
    ['10.0.0.0/8', 'wide'],
    ['10.0.0.0/7', 'refused'],
    ['0.0.0.0/0', 'refused'],
    ['1.2.3.4/0', 'refused'],
    ['2001:db8::1', 'fine'],
    ['2001:db8:1::/48', 'fine'],
    ['2001:db8::/32', 'wide'],
    ['2000::/3', 'refused'],
    ['::/0', 'refused'],
    ['::ffff:192.0.2.0/120', 'fine'],
    ['::ffff:0:0/96', 'refused'],
  ])('%s is %s', (source, expected) => {
    const refused = refusedSources([source]).length > 0;
    const warned = sourceWarnings([source]).length > 0;
    expect(refused ? 'refused' : warned ? 'wide' : 'fine').toBe(expected);
    expect(warned).toBe(expected !== 'fine');
  });

  it('says how many, and what to do', () => {
    expect(sourceWarnings(['192.0.2.1', '10.0.0.0/16'])).toEqual([
      "10.0.0.0/16 lets in 2^16 addresses: name the carrier's own, at most a /24",
    ]);
  });
});
