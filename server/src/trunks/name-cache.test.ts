import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { NameCache } from './name-cache.ts';

describe('the addresses of gateways’ names', () => {
  it('are asked for once and remembered for a while', async () => {
    const clock = new FakeClock();
    let asked = 0;
    const resolve = (): Promise<string[]> => Promise.resolve([`192.0.2.${++asked}`]);
    const names = new NameCache({ clock, resolve });
    expect(await names.addressesOf('gw.example')).toEqual(['192.0.2.1']);
    expect(await names.addressesOf('gw.example')).toEqual(['192.0.2.1']);
    await clock.advance(30_000);
    expect(await names.addressesOf('gw.example')).toEqual(['192.0.2.2']);
  });

  it('stay in force while the name server is away, and hold nobody up', async () => {
    const clock = new FakeClock();
    let answer: Promise<string[]> = Promise.resolve(['192.0.2.1']);
    const names = new NameCache({ clock, resolve: () => answer });
    await names.addressesOf('gw.example');
    await clock.advance(30_000);
    answer = Promise.reject(new Error('SERVFAIL'));
    expect(await names.addressesOf('gw.example')).toEqual(['192.0.2.1']);
    await clock.advance(30_000);
    const slow = Promise.withResolvers<string[]>();
    answer = slow.promise;
    const asked = names.addressesOf('gw.example');
    await clock.advance(500);
    expect(await asked).toEqual(['192.0.2.1']);
    slow.resolve(['192.0.2.9']);
    await clock.advance(0);
    expect(await names.addressesOf('gw.example')).toEqual(['192.0.2.9']);
  });

  it('are none where the name never was answered', async () => {
    const clock = new FakeClock();
    const names = new NameCache({ clock, resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    expect(await names.addressesOf('nowhere.example')).toEqual([]);
  });
});
