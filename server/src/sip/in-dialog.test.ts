import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { InboundLeg, LegEnd } from './leg.ts';
import { getHeader, type SipRequest, type SipResponse } from './message.ts';
import { cseqOf, tagOf } from './message-fields.ts';
import { ANSWER, LinkedAgents, OFFER } from './testing/linked-agents.ts';
import { MemoryWire, peerRequest } from './testing/memory-wire.ts';

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

describe('offers inside a call', () => {
  it('T24 RFC 3261 §14.1: re-INVITEs of both sides at one time come to an end 1000 times', async () => {
    const agents = new LinkedAgents(clock);
    agents.rule = () => ({ delayMs: 20 });
    const { outbound, inbound } = await agents.connect();
    outbound.onOffer = () => ({ accept: true, sdp: ANSWER });
    inbound.onOffer = () => ({ accept: true, sdp: ANSWER });
    let glares = 0;
    for (let turn = 0; turn < 1000; turn++) {
      agents.sent.length = 0;
      const both = Promise.all([outbound.reinvite(OFFER), inbound.reinvite(OFFER)]);
      await clock.advance(30_000);
      expect((await both).map(({ status }) => status)).toEqual([200, 200]);
      glares += agents.responses('callee', 491).length + agents.responses('caller', 491).length;
    }
    expect(glares).toBeGreaterThanOrEqual(2000);
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
  }, 60_000);

  it('T24 RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s', async () => {
    const agents = new LinkedAgents(clock);
    agents.rule = () => ({ delayMs: 20 });
    const { outbound, inbound } = await agents.connect();
    outbound.onOffer = () => ({ accept: true, sdp: ANSWER });
    inbound.onOffer = () => ({ accept: true, sdp: ANSWER });
    const waits = { caller: [] as number[], callee: [] as number[] };
    for (let turn = 0; turn < 50; turn++) {
      agents.sent.length = 0;
      void Promise.all([outbound.reinvite(OFFER), inbound.reinvite(OFFER)]);
      await clock.advance(30_000);
      for (const side of ['caller', 'callee'] as const) {
        const [first, second] = agents.requests(side, 'INVITE');
        waits[side].push((second?.atMs ?? 0) - (first?.atMs ?? 0) - 40);
      }
    }
    expect(Math.min(...waits.caller)).toBeGreaterThanOrEqual(2100);
    expect(Math.max(...waits.caller)).toBeLessThanOrEqual(4000);
    expect(Math.min(...waits.callee)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...waits.callee)).toBeLessThanOrEqual(2040);
  });

  it('T22 RFC 3261 §14.1: a re-INVITE without an offer gets ours in the 200, and the answer comes in the ACK', async () => {
    const wire = new MemoryWire(clock);
    const { tag, leg } = await answeredCall(wire);
    const asked: (string | null)[] = [];
    const renegotiated: string[] = [];
    leg.events.on('renegotiated', ({ sdp }) => renegotiated.push(sdp));
    leg.onOffer = (sdp) => {
      asked.push(sdp);
      return { accept: true, sdp: OFFER };
    };
    wire.receive(peerRequest('INVITE', { cseq: 2, toTag: tag }));
    await clock.advance(0);
    expect(asked).toEqual([null]);
    const ok = wire.responses(200).at(-1) as SipResponse;
    expect(ok.body).toBe(OFFER);
    // RFC 3261 §14.1: until then an offer of theirs is glare.
    wire.receive(peerRequest('UPDATE', { cseq: 3, toTag: tag, body: OFFER }));
    expect(wire.responses(491)).toHaveLength(1);
    wire.receive(peerRequest('ACK', { cseq: 2, branch: 'z9hG4bK-a2', toTag: tag, body: ANSWER }));
    expect(renegotiated).toEqual([ANSWER]);
  });

  it('T22 RFC 6141: a refused re-INVITE leaves the session as it was, and the target too', async () => {
    const wire = new MemoryWire(clock);
    const { tag, leg } = await answeredCall(wire);
    leg.onOffer = () => ({ accept: false, status: 488, reason: 'Not Acceptable Here' });
    const moved = peerRequest('INVITE', { cseq: 2, toTag: tag, body: OFFER });
    setContact(moved, '<sip:alice@192.0.2.77:5070>');
    wire.receive(moved);
    await clock.advance(0);
    expect(wire.responses(488)).toHaveLength(1);
    expect(leg.state).toBe('confirmed');
    void leg.hangup();
    await clock.advance(0);
    expect(wire.requests('BYE')[0]?.uri).toBe('sip:alice@192.0.2.9:5060');
  });

  it('T23 RFC 3311 §5.2: UPDATE with an offer is answered before the answer, and without one in the call', async () => {
    const wire = new MemoryWire(clock);
    const legs: InboundLeg[] = [];
    wire.core.events.on('invite', (leg) => {
      legs.push(leg);
      leg.onOffer = () => ({ accept: true, sdp: `${ANSWER}a=updated\r\n` });
      leg.ring(183, ANSWER);
    });
    wire.receive(peerRequest('INVITE', { body: OFFER }));
    await clock.advance(0);
    const tag = tagOf(wire.responses(183)[0] as SipResponse, 'To') ?? '';
    wire.receive(peerRequest('UPDATE', { cseq: 2, toTag: tag, body: OFFER }));
    await clock.advance(0);
    const early = wire.responses(200).at(-1) as SipResponse;
    expect(early.body).toContain('a=updated');
    expect(getHeader(early, 'Session-Expires')).toBeUndefined();
    legs[0]?.answer(ANSWER);
    wire.receive(peerRequest('ACK', { branch: 'z9hG4bK-ack', toTag: tag }));
    const moved = peerRequest('UPDATE', { cseq: 3, toTag: tag });
    setContact(moved, '<sip:alice@192.0.2.78:5070>');
    wire.receive(moved);
    await clock.advance(0);
    expect(wire.responses(200).at(-1)?.body).toBe('');
    // T36: UPDATE is a target refresh request.
    void legs[0]?.hangup();
    await clock.advance(0);
    expect(wire.requests('BYE')[0]?.uri).toBe('sip:alice@192.0.2.78:5070');
  });

  it('T23 RFC 3311 §5.1: UPDATEs of ours refresh and offer in the call, from both sides', async () => {
    const agents = new LinkedAgents(clock);
    const { outbound, inbound } = await agents.connect();
    const offers: (string | null)[] = [];
    inbound.onOffer = (sdp) => {
      offers.push(sdp);
      return { accept: true, sdp: ANSWER };
    };
    const refreshed = outbound.update(null);
    await clock.advance(0);
    expect(await refreshed).toEqual({ status: 200, reason: 'OK', sdp: null });
    const offered = outbound.update(OFFER);
    await clock.advance(0);
    expect(await offered).toEqual({ status: 200, reason: 'OK', sdp: ANSWER });
    expect(offers).toEqual([OFFER]);
    outbound.onOffer = () => ({ accept: false, status: 488, reason: 'Not Acceptable Here' });
    const refused = inbound.update(OFFER);
    await clock.advance(0);
    expect(await refused).toMatchObject({ status: 488 });
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
    void outbound.hangup();
    await clock.advance(0);
    expect(await outbound.update(null)).toMatchObject({ status: 481 });
  });
});

describe('a call that is taken back', () => {
  it('T13 RFC 3261 §9: CANCEL at any moment of 500 ms, 1000 times over a slow wire: no call is left on either side', async () => {
    const agents = new LinkedAgents(clock);
    let seed = 7;
    const random = (bound: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * bound);
    };
    const outcomes = { ended: 0, failed: 0 };
    const inbound: InboundLeg[] = [];
    agents.rule = () => ({ delayMs: random(100) });
    agents.callee.events.on('invite', (leg) => {
      inbound.push(leg);
      if (random(2) === 0) leg.ring();
      clock.setTimer(random(500), () => leg.answer(ANSWER));
    });
    for (let turn = 0; turn < 1000; turn++) {
      const leg = agents.caller.invite(agents.call());
      leg.events.on('ended', () => outcomes.ended++);
      leg.events.on('failed', () => outcomes.failed++);
      clock.setTimer(random(500), () => void leg.hangup());
      await clock.advance(60);
      agents.sent.length = 0;
    }
    await clock.advance(600_000);
    expect([agents.caller.legs.size, agents.callee.legs.size]).toEqual([0, 0]);
    expect(inbound.filter(({ state }) => state !== 'ended')).toEqual([]);
    expect(outcomes.ended + outcomes.failed).toBe(1000);
    expect(Math.min(outcomes.ended, outcomes.failed)).toBeGreaterThan(100);
    expect(clock.pendingCount).toBe(0);
  }, 60_000);
});

describe('the end of a call', () => {
  it('T30 RFC 3261 §15: BYEs that cross within 5 ms are both answered 200, 1000 times', async () => {
    const agents = new LinkedAgents(clock);
    for (let turn = 0; turn < 1000; turn++) {
      agents.rule = () => ({});
      const { outbound, inbound } = await agents.connect();
      const ends: LegEnd[] = [];
      outbound.events.on('ended', (end) => ends.push(end));
      inbound.events.on('ended', (end) => ends.push(end));
      agents.sent.length = 0;
      agents.rule = () => ({ delayMs: 5 });
      void outbound.hangup();
      await clock.advance(turn % 6);
      void inbound.hangup();
      await clock.advance(100);
      expect(ends).toHaveLength(2);
      const byes = [...agents.requests('caller', 'BYE'), ...agents.requests('callee', 'BYE')];
      const oks = [...agents.responses('caller', 200), ...agents.responses('callee', 200)];
      expect(oks.length).toBe(byes.length);
    }
    await clock.advance(400_000);
    expect([agents.caller.legs.size, agents.callee.legs.size]).toEqual([0, 0]);
    expect(clock.pendingCount).toBe(0);
  }, 60_000);

  it('T30 RFC 3261 §15.1.2: a re-INVITE that is pending when the BYE comes gets 487', async () => {
    const wire = new MemoryWire(clock);
    const { tag, leg } = await answeredCall(wire);
    leg.onOffer = () => new Promise(() => undefined);
    wire.receive(peerRequest('INVITE', { cseq: 2, toTag: tag, body: OFFER }));
    await clock.advance(0);
    wire.receive(peerRequest('BYE', { cseq: 3, toTag: tag }));
    await clock.advance(0);
    expect(wire.responses(487).map((one) => cseqOf(one))).toEqual([
      { sequence: 2, method: 'INVITE' },
    ]);
    expect(cseqOf(wire.responses(200).at(-1) as SipResponse)).toEqual({
      sequence: 3,
      method: 'BYE',
    });
    expect(leg.state).toBe('ended');
  });

  it('T30 RFC 3261 §15: a BYE before the ACK of our 200 is answered 200 and ends the call, once', async () => {
    const wire = new MemoryWire(clock);
    const ends: LegEnd[] = [];
    wire.core.events.on('invite', (leg) => {
      leg.events.on('ended', (end) => ends.push(end));
      leg.answer(ANSWER);
    });
    wire.receive(peerRequest('INVITE', { body: OFFER }));
    const tag = tagOf(wire.responses(200)[0] as SipResponse, 'To') ?? '';
    wire.receive(
      peerRequest('BYE', {
        cseq: 2,
        toTag: tag,
        headers: [{ name: 'Reason', value: 'Q.850;cause=16;text="Terminated"' }],
      }),
    );
    await clock.advance(100_000);
    // T31 RFC 3326: the reason is told as it came.
    expect(ends).toEqual([{ by: 'remote', reasonHeader: 'Q.850;cause=16;text="Terminated"' }]);
    expect(wire.requests('BYE')).toEqual([]);
  });

  it.each([481, 408])(
    'T30 RFC 3261 §12.2.1.2: a request inside the call that is answered %i ends it',
    async (status) => {
      const wire = new MemoryWire(clock);
      const { leg } = await answeredCall(wire);
      const ends: LegEnd[] = [];
      leg.events.on('ended', (end) => ends.push(end));
      void leg.info('application/dtmf-relay', 'Signal=1\r\n');
      await clock.advance(0);
      const [info] = wire.requests('INFO');
      if (info) wire.receive(replyTo(info, status));
      await clock.advance(0);
      expect(ends).toEqual([{ by: 'timeout', reasonHeader: null }]);
    },
  );
});

async function answeredCall(wire: MemoryWire): Promise<{ tag: string; leg: InboundLeg }> {
  const legs: InboundLeg[] = [];
  wire.core.events.once('invite', (leg) => {
    legs.push(leg);
    leg.answer(ANSWER);
  });
  wire.receive(peerRequest('INVITE', { body: OFFER }));
  const tag = tagOf(wire.responses(200)[0] as SipResponse, 'To') ?? '';
  wire.receive(peerRequest('ACK', { branch: 'z9hG4bK-ack', toTag: tag }));
  await clock.advance(0);
  const [leg] = legs;
  if (!leg) throw new Error('no call came in');
  return { tag, leg };
}

function setContact(request: SipRequest, value: string): void {
  const contact = request.headers.find(({ name }) => name === 'Contact');
  if (contact) contact.value = value;
}

function replyTo(request: SipRequest, status: number): SipResponse {
  const kept = ['via', 'from', 'to', 'call-id', 'cseq'];
  const headers = request.headers.filter(({ name }) => kept.includes(name.toLowerCase()));
  return { kind: 'response', status, reason: '', headers, body: '' };
}

describe('overload', () => {
  it('T16 RFC 3261 §21.5.4: new requests get 503 with Retry-After, those of live calls never', async () => {
    const wire = new MemoryWire(clock);
    const { tag, leg } = await answeredCall(wire);
    for (let index = 0; wire.responses(503).length === 0 && index < 30_000; index++) {
      wire.receive(peerRequest('OPTIONS', { callId: `o${index}`, branch: `z9hG4bK-o${index}` }));
      if (wire.sent.length > 1000 && wire.responses(503).length === 0) wire.sent.length = 0;
    }
    expect(getHeader(wire.responses(503)[0] as SipResponse, 'Retry-After')).toBe('32');
    wire.receive(peerRequest('INVITE', { callId: 'new', branch: 'z9hG4bK-new', body: OFFER }));
    expect(wire.responses(503)).toHaveLength(2);
    wire.receive(peerRequest('UPDATE', { cseq: 2, toTag: tag }));
    expect(cseqOf(wire.responses(200).at(-1) as SipResponse)).toEqual({
      sequence: 2,
      method: 'UPDATE',
    });
    wire.receive(peerRequest('BYE', { cseq: 3, toTag: tag }));
    expect(leg.state).toBe('ended');
  }, 30_000);
});

describe('reasons', () => {
  it.each([
    'Q.850;cause=16;text="Normal call clearing"',
    'SIP;cause=200;text="Call completed elsewhere"',
    'SIP ;cause=600 ;text="Busy Everywhere", Q.850;cause=17',
  ])('T31 RFC 3326: %s of a BYE, a CANCEL and a refusal is told as it came', async (reason) => {
    const headers = [{ name: 'Reason', value: reason }];
    const bye = new MemoryWire(clock);
    const { tag, leg } = await answeredCall(bye);
    const told: (string | null)[] = [];
    leg.events.on('ended', (end) => told.push(end.reasonHeader));
    bye.receive(peerRequest('BYE', { cseq: 2, toTag: tag, headers }));
    const cancel = new MemoryWire(clock);
    cancel.core.events.on('invite', (incoming) => {
      incoming.events.on('failed', (failure) => told.push(failure.reasonHeader));
    });
    const invite = peerRequest('INVITE', { body: OFFER, branch: 'z9hG4bK-c' });
    cancel.receive(invite);
    cancel.receive(peerRequest('CANCEL', { branch: 'z9hG4bK-c', headers }));
    const agents = new LinkedAgents(clock);
    agents.callee.events.on('invite', (incoming) => incoming.reject(487, undefined, headers));
    const outbound = agents.caller.invite(agents.call());
    outbound.events.on('failed', (failure) => told.push(failure.reasonHeader));
    await clock.advance(10);
    expect(told).toEqual([reason, reason, reason]);
  });

  it('T31 RFC 3326: ours goes out in a BYE, a CANCEL and a refusal', async () => {
    const reasonHeader = 'Q.850;cause=19;text="No answer"';
    const agents = new LinkedAgents(clock);
    const { outbound } = await agents.connect();
    void outbound.hangup({ reasonHeader });
    agents.callee.events.once('invite', (leg) => leg.ring());
    const ringing = agents.caller.invite(agents.call());
    await clock.advance(10);
    void ringing.hangup({ reasonHeader });
    agents.callee.events.once('invite', (leg) => void leg.hangup({ reasonHeader, status: 480 }));
    agents.caller.invite(agents.call());
    await clock.advance(10);
    const sent = [
      ...agents.requests('caller', 'BYE'),
      ...agents.requests('caller', 'CANCEL'),
      ...agents.responses('callee', 480),
    ];
    expect(sent.map(({ message }) => getHeader(message, 'Reason'))).toEqual([
      reasonHeader,
      reasonHeader,
      reasonHeader,
    ]);
  });
});

describe('call flows of RFC 3665', () => {
  it('T37 RFC 3665 §3.8: nobody answers: CANCEL after the ringing, 487, ACK', async () => {
    const agents = new LinkedAgents(clock);
    agents.callee.events.on('invite', (leg) => leg.ring());
    const leg = agents.caller.invite(agents.call());
    await clock.advance(20_000);
    void leg.hangup();
    await clock.advance(1000);
    expect(flow(agents)).toEqual([
      'caller INVITE',
      'callee 100',
      'callee 180',
      'caller CANCEL',
      'callee 200',
      'callee 487',
      'caller ACK',
    ]);
  });

  it('T37 RFC 3665 §3.1: a call that is answered and ended by its callee', async () => {
    const agents = new LinkedAgents(clock);
    const { inbound } = await agents.connect();
    void inbound.hangup();
    await clock.advance(1000);
    expect(flow(agents)).toEqual([
      'caller INVITE',
      'callee 100',
      'callee 200',
      'caller ACK',
      'callee BYE',
      'caller 200',
    ]);
  });

  it('T37 RFC 3665 §3.6: a callee who points elsewhere: 302, ACK, and where to', async () => {
    const agents = new LinkedAgents(clock);
    const contact = { name: 'Contact', value: '<sip:bob@chicago.example.com>' };
    agents.callee.events.on('invite', (leg) => leg.reject(302, undefined, [contact]));
    const leg = agents.caller.invite(agents.call());
    const contacts: unknown[] = [];
    leg.events.on('failed', (failure) => contacts.push(failure.contacts));
    await clock.advance(1000);
    expect(flow(agents)).toEqual(['caller INVITE', 'callee 100', 'callee 302', 'caller ACK']);
    expect(contacts).toEqual([[{ uri: 'sip:bob@chicago.example.com', q: 1 }]]);
  });
});

function flow(agents: LinkedAgents): string[] {
  return agents.sent.map(
    ({ from, message }) =>
      `${from} ${message.kind === 'request' ? message.method : message.status}`,
  );
}
