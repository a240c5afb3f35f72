import { describe, expect, it } from 'vitest';
import { isSource, SourceList, type SourceGateway } from './source-list.ts';

const trunks = [
  { id: 'trunk_a', allowedSources: ['192.0.2.0/24', 'nonsense'], gateways: [] },
  {
    id: 'trunk_b',
    allowedSources: ['192.0.2.9', '2001:db8::/32'],
    gateways: [{ host: '198.51.100.7' }, { host: 'sip.example' }, { host: 'gone.example' }],
  },
];
const resolve = ({ host }: SourceGateway): Promise<string[]> =>
  host === 'sip.example'
    ? Promise.resolve(['203.0.113.5'])
    : Promise.reject(new Error('no such host'));

describe('sources of trunks', () => {
  it('are allowed addresses, CIDRs, gateways and what gateways resolve to', async () => {
    const list = await SourceList.of(trunks, resolve);
    expect(list.trunksOf('192.0.2.1')).toEqual(['trunk_a']);
    expect(list.trunksOf('192.0.2.9')).toEqual(['trunk_a', 'trunk_b']);
    expect(list.trunksOf('198.51.100.7')).toEqual(['trunk_b']);
    expect(list.trunksOf('203.0.113.5')).toEqual(['trunk_b']);
    expect(list.trunksOf('2001:db8::1')).toEqual(['trunk_b']);
    expect(list.trunksOf('::ffff:198.51.100.7')).toEqual(['trunk_b']);
  });

  it('leave strangers out', async () => {
    const list = await SourceList.of(trunks, resolve);
    for (const address of ['192.0.3.1', '10.0.0.1', '::1', 'sip.example', '']) {
      expect(list.trunksOf(address)).toEqual([]);
    }
    expect(SourceList.empty.trunksOf('192.0.2.1')).toEqual([]);
  });

  it.each(['1.2.3.4/33', '1.2.3.4/', '1.2.3', 'a/8', '1.2.3.4/8/8', '::1/129'])(
    'do not understand %s',
    (text) => {
      expect(isSource(text)).toBe(false);
    },
  );
});
