import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { systemClock } from '../shared/clock.ts';
import { Greylist } from './greylist.ts';
import type { SipAddress } from './message.ts';
import { SipLocator, type SipServerName } from './sip-locator.ts';
import { createSipResolver, type SipResolver } from './sip-resolver.ts';
import { srvOrder } from './srv-order.ts';
import { FakeDnsServer } from './testing/fake-dns-server.ts';

const TRUNK: SipServerName = {
  host: 'sip.carrier.example',
  port: 5060,
  transport: 'udp',
  lookup: 'srv',
};

const shown = (targets: readonly SipAddress[]): string[] =>
  targets.map(({ host, port, transport }) => `${host}:${port};${transport}`);

describe('T07 RFC 3263: where a server is, asked of a name server on loopback', () => {
  let dns: FakeDnsServer;
  let locator: SipLocator;
  beforeEach(async () => {
    dns = await FakeDnsServer.bind();
    locator = new SipLocator({
      resolver: createSipResolver([dns.address]),
      clock: systemClock,
      random: () => 0.5,
    });
  });
  afterEach(() => dns.close());

  function zone(): void {
    dns.records.set('sip.carrier.example', [
      {
        type: 'NAPTR',
        order: 20,
        preference: 1,
        flags: 's',
        service: 'SIP+D2U',
        replacement: '_sip._udp.carrier.example',
      },
      {
        type: 'NAPTR',
        order: 10,
        preference: 2,
        flags: 's',
        service: 'SIP+D2T',
        replacement: '_sip._tcp.carrier.example',
      },
      {
        type: 'NAPTR',
        order: 10,
        preference: 1,
        flags: 's',
        service: 'SIPS+D2T',
        replacement: '_sips._tcp.carrier.example',
      },
      {
        type: 'NAPTR',
        order: 1,
        preference: 1,
        flags: 's',
        service: 'SIP+D2X',
        replacement: '_x.carrier.example',
      },
      { type: 'A', address: '192.0.2.9' },
    ]);
    dns.records.set('_sips._tcp.carrier.example', [
      { type: 'SRV', priority: 1, weight: 1, port: 5081, name: 'one.carrier.example' },
    ]);
    dns.records.set('_sip._udp.sip.carrier.example', [
      { type: 'SRV', priority: 20, weight: 1, port: 5062, name: 'two.carrier.example' },
      { type: 'SRV', priority: 10, weight: 1, port: 5061, name: 'one.carrier.example' },
    ]);
    dns.records.set('one.carrier.example', [
      { type: 'A', address: '192.0.2.1' },
      { type: 'A', address: '192.0.2.2' },
    ]);
    dns.records.set('two.carrier.example', [{ type: 'A', address: '192.0.2.3' }]);
  }

  it('T07 RFC 3263 §4.2: SRV records by priority, each name with all of its addresses', async () => {
    zone();
    expect(shown(await locator.locate(TRUNK))).toEqual([
      '192.0.2.1:5061;udp',
      '192.0.2.2:5061;udp',
      '192.0.2.3:5062;udp',
    ]);
  });

  it('T07 RFC 3263 §4.1: NAPTR records choose the transport, and certificates must show the name that was asked for', async () => {
    zone();
    const targets = await locator.locate({ ...TRUNK, lookup: 'naptr' });
    expect(shown(targets)).toEqual(['192.0.2.1:5081;tls', '192.0.2.2:5081;tls']);
    expect(targets[0]?.serverName).toBe('sip.carrier.example');
  });

  it('T07 RFC 3263 §4.1: a transport that we do not speak is passed over', async () => {
    zone();
    dns.records.set('_sip._tcp.carrier.example', [
      { type: 'SRV', priority: 1, weight: 1, port: 5070, name: 'two.carrier.example' },
    ]);
    const without = new SipLocator({
      resolver: createSipResolver([dns.address]),
      clock: systemClock,
      supports: (transport) => transport !== 'tls',
    });
    expect(shown(await without.locate({ ...TRUNK, lookup: 'naptr' }))).toEqual([
      '192.0.2.3:5070;tcp',
    ]);
  });

  it('T07 RFC 3263 §4.2: an address is used as it is, a port that is given asks for addresses only, and a name without SRV records has its own', async () => {
    zone();
    expect(shown(await locator.locate({ ...TRUNK, host: '192.0.2.77', port: 5099 }))).toEqual([
      '192.0.2.77:5099;udp',
    ]);
    expect(dns.questions).toEqual([]);
    expect(shown(await locator.locate({ ...TRUNK, lookup: 'address', port: 5099 }))).toEqual([
      '192.0.2.9:5099;udp',
    ]);
    expect(dns.questions.filter((one) => one.startsWith('SRV'))).toEqual([]);
    expect(shown(await locator.locate({ ...TRUNK, host: 'two.carrier.example' }))).toEqual([
      '192.0.2.3:5060;udp',
    ]);
  });

  it('T07 RFC 3263: a name that nobody knows is returned as it stands, so that sending tells why not', async () => {
    expect(await locator.locate({ ...TRUNK, host: 'nobody.example' })).toEqual([
      { host: 'nobody.example', port: 5060, transport: 'udp' },
    ]);
  });

  it('T07 RFC 2782: a target of "." says that there is no such service', async () => {
    dns.records.set('_sip._udp.sip.carrier.example', [
      { type: 'SRV', priority: 1, weight: 1, port: 0, name: '.' },
    ]);
    dns.records.set('sip.carrier.example', [{ type: 'A', address: '192.0.2.9' }]);
    expect(shown(await locator.locate(TRUNK))).toEqual(['192.0.2.9:5060;udp']);
  });
});

describe('T07 RFC 3263: what is remembered', () => {
  let clock: FakeClock;
  let asked: string[];
  let answers: Record<string, unknown>;
  let resolver: SipResolver;
  beforeEach(() => {
    clock = new FakeClock();
    asked = [];
    answers = {};
    const answer = async (key: string): Promise<never> => {
      asked.push(key);
      const value = await answers[key];
      if (value instanceof Error) throw value;
      return (value ?? []) as never;
    };
    resolver = {
      naptr: (name) => answer(`naptr ${name}`),
      srv: (name) => answer(`srv ${name}`),
      addresses: (name) => answer(`address ${name}`),
    };
  });

  const gateway: SipServerName = { ...TRUNK, lookup: 'address' };

  it('T07 RFC 3263: an address is asked for anew when its TTL is over, and never more than every 5 s', async () => {
    const locator = new SipLocator({ resolver, clock });
    answers['address sip.carrier.example'] = [{ address: '192.0.2.1', ttlS: 20 }];
    await locator.locate(gateway);
    await clock.advance(19_999);
    await locator.locate(gateway);
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    answers['address sip.carrier.example'] = [{ address: '192.0.2.2', ttlS: 0 }];
    expect(shown(await locator.locate(gateway))).toEqual(['192.0.2.2:5060;udp']);
    await clock.advance(4999);
    await locator.locate(gateway);
    expect(asked).toHaveLength(2);
  });

  it('T07 RFC 3263: name servers that are away hold nobody up, and what was known stays in force', async () => {
    const locator = new SipLocator({ resolver, clock });
    answers['address sip.carrier.example'] = [{ address: '192.0.2.1', ttlS: 20 }];
    await locator.locate(gateway);
    await clock.advance(20_000);
    answers['address sip.carrier.example'] = new Error('timeout');
    expect(shown(await locator.locate(gateway))).toEqual(['192.0.2.1:5060;udp']);
    await clock.advance(30_000);
    answers['address sip.carrier.example'] = new Promise(() => undefined);
    const located = locator.locate(gateway);
    await clock.advance(4000);
    expect(shown(await located)).toEqual(['sip.carrier.example:5060;udp']);
    expect(clock.pendingCount).toBe(0);
  });

  it('T07 RFC 3263: a name that is gone is not used on', async () => {
    const locator = new SipLocator({ resolver, clock });
    answers['address sip.carrier.example'] = [{ address: '192.0.2.1', ttlS: 20 }];
    await locator.locate(gateway);
    await clock.advance(20_000);
    answers['address sip.carrier.example'] = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    expect(shown(await locator.locate(gateway))).toEqual(['sip.carrier.example:5060;udp']);
  });

  it('T07 RFC 3263: calls that are placed at one time ask once', async () => {
    const locator = new SipLocator({ resolver, clock });
    answers['address sip.carrier.example'] = [{ address: '192.0.2.1', ttlS: 20 }];
    await Promise.all([locator.locate(gateway), locator.locate(gateway), locator.locate(gateway)]);
    expect(asked).toHaveLength(1);
  });

  it('T07 RFC 3263: hostile answers are bounded', async () => {
    const locator = new SipLocator({ resolver, clock });
    answers['srv _sip._udp.sip.carrier.example'] = Array.from({ length: 5000 }, (_one, index) => ({
      name: `192.0.2.${index % 250}`,
      port: 5060,
      priority: index,
      weight: 0,
    }));
    expect(await locator.locate(TRUNK)).toHaveLength(8);
  });
});

describe('T07 RFC 2782: the order of SRV records', () => {
  it('T07 RFC 2782: weights are kept within 3 % over 10,000 draws, and priorities always', () => {
    const records = [
      { name: 'a', port: 1, priority: 1, weight: 60 },
      { name: 'b', port: 1, priority: 1, weight: 30 },
      { name: 'c', port: 1, priority: 1, weight: 10 },
      { name: 'd', port: 1, priority: 2, weight: 100 },
    ];
    let seed = 42;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const firsts = { a: 0, b: 0, c: 0, d: 0 };
    for (let draw = 0; draw < 10_000; draw++) {
      const order = srvOrder(records, random);
      expect(order.at(-1)?.name).toBe('d');
      firsts[order[0]?.name as 'a']++;
    }
    expect(Math.abs(firsts.a / 10_000 - 0.6)).toBeLessThan(0.03);
    expect(Math.abs(firsts.b / 10_000 - 0.3)).toBeLessThan(0.03);
    expect(Math.abs(firsts.c / 10_000 - 0.1)).toBeLessThan(0.03);
  });

  it('T07 RFC 2782: weight 0 is seldom first, and each record stands once', () => {
    const records = [
      { name: 'zero', port: 1, priority: 1, weight: 0 },
      { name: 'most', port: 1, priority: 1, weight: 99 },
    ];
    expect(srvOrder(records, () => 0.5).map(({ name }) => name)).toEqual(['most', 'zero']);
    expect(srvOrder(records, () => 0).map(({ name }) => name)).toEqual(['zero', 'most']);
    expect(srvOrder([], () => 0)).toEqual([]);
  });
});

describe('T29 RFC 3261 §21.5.4: servers that are better not asked now', () => {
  const one: SipAddress = { host: '192.0.2.1', port: 5060, transport: 'udp' };
  const two: SipAddress = { host: '192.0.2.2', port: 5060, transport: 'udp' };
  const refusal = { cause: 'response', status: 503, retryAfterS: 120 } as const;

  it('T29 RFC 3261 §21.5.4: a 503 with Retry-After puts the server last for so long, and none is left out', async () => {
    const clock = new FakeClock();
    const list = new Greylist(clock);
    list.noteFailure(one, refusal);
    expect(list.last([one, two], (target) => target)).toEqual([two, one]);
    expect(list.last([one], (target) => target)).toEqual([one]);
    await clock.advance(119_999);
    expect(list.has(one)).toBe(true);
    await clock.advance(1);
    expect(list.has(one)).toBe(false);
  });

  it('T29 RFC 3263 §4.3: so does silence, for 30 s; what speaks of the called person does not', async () => {
    const clock = new FakeClock();
    const list = new Greylist(clock);
    list.noteFailure(two, { cause: 'timeout', status: 408, retryAfterS: null });
    list.noteFailure(one, { ...refusal, status: 486 });
    list.noteFailure(one, { ...refusal, retryAfterS: null });
    list.noteFailure(one, { ...refusal, cause: 'cancelled' });
    expect([list.has(one), list.has(two)]).toEqual([false, true]);
    await clock.advance(30_000);
    expect(list.has(two)).toBe(false);
  });

  it('T29 RFC 3261 §20.33: nobody is away for more than an hour, and an answer ends it', async () => {
    const clock = new FakeClock();
    const list = new Greylist(clock);
    list.noteFailure(one, { ...refusal, retryAfterS: 999_999_999 });
    list.noteFailure(two, refusal);
    list.noteAnswer(two);
    expect(list.has(two)).toBe(false);
    await clock.advance(3_600_000);
    expect(list.has(one)).toBe(false);
  });
});
