import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { InboundLeg, Leg, LegEnd } from './leg.ts';
import { MemoryWire, PEER } from './testing/memory-wire.ts';

const LATENCY_MS = 5;

interface Pair {
  clock: FakeClock;
  caller: MemoryWire;
  callee: MemoryWire;
  outbound: Leg;
  inbound: InboundLeg;
}

/** Two user agents on a wire with latency that loses what `loses` says. */
async function connected(loses: () => boolean = () => false): Promise<Pair> {
  const clock = new FakeClock();
  const [caller, callee] = [new MemoryWire(clock), new MemoryWire(clock)];
  for (const [from, to] of [
    [caller, callee],
    [callee, caller],
  ] as const) {
    from.onSent = (message) => {
      if (!loses()) clock.setTimer(LATENCY_MS, () => to.receive(message));
    };
  }
  const incoming: InboundLeg[] = [];
  callee.core.events.on('invite', (leg) => {
    incoming.push(leg);
    leg.answer('v=0\r\n');
  });
  const outbound = caller.core.invite({
    requestUri: 'sip:bob@192.0.2.9',
    nextHop: PEER,
    sipCallId: 'pair',
    localTag: 'caller',
    branch: 'z9hG4bK-pair',
    from: { uri: 'sip:alice@192.0.2.1' },
    to: { uri: 'sip:bob@192.0.2.9' },
    sdp: 'v=0\r\n',
  });
  await clock.advance(20_000);
  const [inbound] = incoming;
  if (!inbound) throw new Error('the call did not come in');
  return { clock, caller, callee, outbound, inbound };
}

/** Loses `percent` of the messages, the same ones for a seed. */
function lossy(seed: number, percent: number): () => boolean {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state % 100 < percent;
  };
}

describe('InviteSession', () => {
  it('T24 RFC 3261 §14.1: offers that cross get 491 and are settled within 4 s, the callee first', async () => {
    for (let round = 0; round < 20; round++) {
      const { clock, caller, outbound, inbound } = await connected();
      const startMs = clock.monotonicMs();
      const settled: [string, number, number][] = [];
      for (const leg of [outbound, inbound]) leg.onOffer = () => ({ accept: true, sdp: 'v=0\r\n' });
      for (const [name, leg] of Object.entries({ outbound, inbound })) {
        const note = (status: number): number =>
          settled.push([name, status, clock.monotonicMs() - startMs]);
        void leg.reinvite(`v=${name}\r\n`).then(({ status }) => note(status));
      }
      await clock.advance(5000);
      expect(settled.map(([name, status]) => [name, status])).toEqual([
        ['inbound', 200],
        ['outbound', 200],
      ]);
      const [, , lastMs] = settled[1] as [string, number, number];
      expect(lastMs).toBeGreaterThanOrEqual(2100);
      expect(lastMs).toBeLessThanOrEqual(4100);
      expect(caller.responses(491)).toHaveLength(1);
    }
  });

  it('RFC 3261 §14.1: our offer waits until theirs is settled, and ours go one at a time', async () => {
    const { clock, caller, outbound, inbound } = await connected();
    const decide: ((answer: { accept: true; sdp: string }) => void)[] = [];
    outbound.onOffer = () => new Promise((resolve) => decide.push(resolve));
    inbound.onOffer = () => ({ accept: true, sdp: 'v=0\r\n' });
    void inbound.reinvite('v=0\r\n');
    await clock.advance(100);
    const ours = [outbound.reinvite('v=1\r\n'), outbound.reinvite('v=2\r\n')];
    await clock.advance(100);
    expect(caller.requests('INVITE')).toHaveLength(1);
    decide[0]?.({ accept: true, sdp: 'v=0\r\n' });
    await clock.advance(1000);
    expect((await Promise.all(ours)).map(({ status }) => status)).toEqual([200, 200]);
    expect(caller.requests('INVITE').map(({ body }) => body)).toEqual([
      'v=0\r\n',
      'v=1\r\n',
      'v=2\r\n',
    ]);
  });

  it('T30 RFC 3261 §12.2.1.2: a re-INVITE that nobody answers ends the call', async () => {
    let isDead = false;
    const { clock, outbound } = await connected(() => isDead);
    isDead = true;
    const ends: LegEnd[] = [];
    outbound.events.on('ended', (end) => ends.push(end));
    const result = outbound.reinvite('v=0\r\n');
    await clock.advance(33_000);
    expect(await result).toMatchObject({ status: 408 });
    expect(ends).toEqual([{ by: 'timeout', reasonHeader: null }]);
  });

  it('an offer after the end, or in the way of too many others, is refused here', async () => {
    const { clock, caller, outbound } = await connected();
    const many = Array.from({ length: 10 }, () => outbound.reinvite('v=0\r\n'));
    expect((await many[9])?.status).toBe(491);
    void outbound.hangup();
    await clock.advance(1000);
    const before = caller.requests('INVITE').length;
    expect((await outbound.reinvite('v=0\r\n')).status).toBe(481);
    expect(caller.requests('INVITE')).toHaveLength(before);
  });

  it('RFC 3261 §17: calls get up, renegotiate and end over a wire that loses 20 % of everything', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const { clock, caller, callee, outbound, inbound } = await connected(lossy(seed * 7919, 20));
      expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
      inbound.onOffer = () => ({ accept: true, sdp: 'v=0\r\ns=held\r\n' });
      const held = outbound.reinvite('v=0\r\n');
      await clock.advance(33_000);
      expect(await held).toMatchObject({ status: 200, sdp: 'v=0\r\ns=held\r\n' });
      const ends: string[] = [];
      outbound.events.on('ended', ({ by }) => ends.push(`outbound ${by}`));
      inbound.events.on('ended', ({ by }) => ends.push(`inbound ${by}`));
      void inbound.hangup();
      await clock.advance(400_000);
      expect(ends).toEqual(['inbound local', 'outbound remote']);
      expect([caller.core.legs.size, callee.core.legs.size, clock.pendingCount]).toEqual([0, 0, 0]);
    }
  });
});
