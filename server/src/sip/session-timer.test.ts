import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { LegEnd } from './leg.ts';
import { getHeader, type SipHeader, type SipMessage, type SipRequest } from './message.ts';
import { cseqOf } from './message-fields.ts';
import {
  answerSessionTimer,
  sessionTimerPlan,
  takeSessionTimer,
  type SessionTimerFields,
} from './session-timer-fsm.ts';
import { sessionTimerFields } from './session-timer-fields.ts';
import { ANSWER, LinkedAgents, OFFER } from './testing/linked-agents.ts';
import { MemoryWire, PEER, peerRequest } from './testing/memory-wire.ts';
import type { InboundLeg, Leg } from './leg.ts';

const POLICY = { expiresS: 1800, minS: 90 };
const SHORT = { expiresS: 90, minS: 90 };
const MINUTES_35 = 35 * 60_000;

function fields(over: Partial<SessionTimerFields> = {}): SessionTimerFields {
  return { expiresS: null, refresher: null, minS: 90, isSupported: true, ...over };
}

describe('session timers, the rules', () => {
  it.each([
    ['the caller named itself', fields({ expiresS: 600, refresher: 'uac' }), 600, false],
    ['the caller named us', fields({ expiresS: 600, refresher: 'uas' }), 600, true],
    ['the caller named nobody', fields({ expiresS: 600 }), 600, false],
    [
      'a proxy asked and the caller knows no timers',
      fields({ expiresS: 600, isSupported: false }),
      600,
      true,
    ],
    ['the caller asked for longer than we do', fields({ expiresS: 7200 }), 1800, false],
    ['a proxy wants no shorter than it says', fields({ expiresS: 7200, minS: 3600 }), 3600, false],
    ['the caller knows timers and asks for none', fields(), 1800, false],
    ['a proxy wants long intervals and nobody asked', fields({ minS: 2400 }), 2400, false],
  ])(
    'T25 RFC 4028 §9: who refreshes and when, where %s',
    (_what, request, intervalS, isRefresher) => {
      expect(answerSessionTimer(POLICY, null, request)).toEqual({
        type: 'agreed',
        timer: { intervalS, isRefresher },
      });
    },
  );

  it('T25 RFC 4028 §9: an interval that is too short is refused to those who know how, and left out otherwise', () => {
    const request = fields({ expiresS: 89 });
    expect(answerSessionTimer(POLICY, null, request)).toEqual({ type: 'too-small', minS: 90 });
    expect(answerSessionTimer(POLICY, null, { ...request, isSupported: false })).toEqual({
      type: 'agreed',
      timer: null,
    });
    expect(answerSessionTimer(null, null, request)).toEqual({ type: 'agreed', timer: null });
  });

  it('T25 RFC 4028 §9: a request that says nothing keeps us refreshing, and ends a timer that was the far end’s', () => {
    const silent = fields({ isSupported: false });
    const ours = { intervalS: 300, isRefresher: true };
    const theirs = { intervalS: 300, isRefresher: false };
    expect(answerSessionTimer(POLICY, ours, silent)).toEqual({ type: 'agreed', timer: ours });
    expect(answerSessionTimer(POLICY, theirs, silent)).toEqual({ type: 'agreed', timer: null });
    expect(answerSessionTimer(POLICY, theirs, fields())).toEqual({ type: 'agreed', timer: theirs });
  });

  it('T25 RFC 4028 §7.2: a 2xx without Session-Expires means no timer, one without a refresher means us', () => {
    expect(takeSessionTimer(POLICY, fields())).toBeNull();
    expect(takeSessionTimer(null, fields({ expiresS: 90 }))).toBeNull();
    expect(takeSessionTimer(POLICY, fields({ expiresS: 90 }))).toEqual({
      intervalS: 90,
      isRefresher: true,
    });
    expect(takeSessionTimer(POLICY, fields({ expiresS: 1, refresher: 'uas' }))).toEqual({
      intervalS: 90,
      isRefresher: false,
    });
  });

  it.each([
    [90, true, 45_000, 60_000],
    [1800, true, 900_000, 1_768_000],
    [1800, false, null, 1_768_000],
    [96, false, null, 64_000],
  ])(
    'T25 RFC 4028 §10: with SE=%i refresher=%s, refresh at %s ms, BYE at %i ms',
    (intervalS, isRefresher, refreshAfterMs, endAfterMs) => {
      expect(sessionTimerPlan({ intervalS, isRefresher })).toMatchObject({
        refreshAfterMs,
        endAfterMs,
      });
    },
  );

  it.each([
    ['1800', 1800, null],
    [' 90 ; refresher = UAS ', 90, 'uas'],
    ['90;a=b;refresher=uac;c', 90, 'uac'],
    ['90;refresher=me', 90, null],
    ['-1', null, null],
    ['99999999999', null, null],
    ['', null, null],
  ])('T25 RFC 4028 §4: Session-Expires of %j is read', (value, expiresS, refresher) => {
    const request = peerRequest('INVITE', { headers: [{ name: 'x', value }] });
    expect(request.headers.pop()).toBeDefined();
    request.headers.push({ name: 'Session-Expires', value });
    expect(sessionTimerFields(request)).toMatchObject({ expiresS, refresher, minS: 90 });
  });
});

describe('session timers between two user agents', () => {
  let clock: FakeClock;
  beforeEach(() => {
    clock = new FakeClock();
  });

  function lasting(legs: readonly Leg[]): LegEnd[] {
    const ends: LegEnd[] = [];
    for (const leg of legs) leg.events.on('ended', (end) => ends.push(end));
    return ends;
  }

  it('T25 RFC 4028 §10: a call of 35 min at SE=90 is kept by its caller, by UPDATE without a body', async () => {
    const agents = new LinkedAgents(clock, { caller: { sessionTimer: SHORT } });
    const { outbound, inbound } = await agents.connect();
    const ends = lasting([outbound, inbound]);
    await clock.advance(MINUTES_35);
    expect(ends).toEqual([]);
    const updates = agents.requests('caller', 'UPDATE');
    expect(updates).toHaveLength(46);
    expect(updates.map(({ message }) => message.body).join('')).toBe('');
    const [first, second] = updates;
    expect(first && getHeader(first.message, 'Session-Expires')).toBe('90;refresher=uac');
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBe(45_000);
    expect(agents.requests('callee', 'UPDATE')).toEqual([]);
    void outbound.hangup();
    await clock.advance(1000);
    expect(ends).toHaveLength(2);
    await clock.advance(300_000);
    expect(clock.pendingCount).toBe(0);
  });

  it('T25 RFC 4028 §10: a call of 35 min at SE=90 is kept by its callee where the caller wants that', async () => {
    const agents = new LinkedAgents(clock, { caller: { sessionTimer: SHORT } });
    const deliver = agents.deliver.bind(agents);
    agents.deliver = (from, message) => {
      const expires = message.headers.find(({ name }) => name === 'Session-Expires');
      if (expires?.value === '90') expires.value = '90;refresher=uas';
      deliver(from, message);
    };
    const { outbound, inbound } = await agents.connect();
    const ends = lasting([outbound, inbound]);
    await clock.advance(MINUTES_35);
    expect(ends).toEqual([]);
    expect(agents.requests('callee', 'UPDATE')).toHaveLength(46);
  });

  it('T25 RFC 4028 §7.4: a far end that allows no UPDATE is refreshed by a re-INVITE that changes nothing', async () => {
    const agents = new LinkedAgents(clock, { caller: { sessionTimer: SHORT } });
    const original = agents.deliver.bind(agents);
    agents.deliver = (from, message) => {
      for (const header of message.headers) {
        if (header.name === 'Allow') header.value = 'INVITE, ACK, BYE, CANCEL';
      }
      original(from, message);
    };
    const { outbound, inbound } = await agents.connect();
    inbound.onOffer = (sdp) => {
      offers.push(sdp);
      return { accept: true, sdp: ANSWER };
    };
    const offers: (string | null)[] = [];
    const renegotiated: string[] = [];
    outbound.events.on('renegotiated', ({ sdp }) => renegotiated.push(sdp));
    await clock.advance(MINUTES_35);
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
    expect(offers).toHaveLength(46);
    expect(new Set(offers)).toEqual(new Set([OFFER]));
    expect(renegotiated).toEqual([]);
    expect(agents.requests('caller', 'UPDATE')).toEqual([]);
  });

  it('T25 RFC 4028 §10: a refresher that is gone is hung up on at SE - min(32 s, SE/3)', async () => {
    const agents = new LinkedAgents(clock, { caller: { sessionTimer: SHORT } });
    const { inbound } = await agents.connect();
    const ends = lasting([inbound]);
    const answeredAtMs = agents.responses('callee', 200)[0]?.atMs ?? 0;
    agents.rule = ({ from }) => ({ drop: from === 'caller' });
    await clock.advance(70_000);
    expect(ends).toEqual([
      { by: 'timeout', reasonHeader: 'SIP;cause=408;text="Session timer expired"' },
    ]);
    const [bye] = agents.requests('callee', 'BYE');
    expect((bye?.atMs ?? 0) - answeredAtMs).toBe(60_000);
    expect(bye && getHeader(bye.message, 'Reason')).toContain('Session timer expired');
  });

  it('T25 RFC 4028 §10: a refresh that is lost is sent again, and the call stays', async () => {
    const agents = new LinkedAgents(clock, { caller: { sessionTimer: SHORT } });
    const { outbound, inbound } = await agents.connect();
    let lost = 0;
    agents.rule = ({ message }) => ({
      drop: message.kind === 'request' && message.method === 'UPDATE' && lost++ < 3,
    });
    await clock.advance(200_000);
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
    expect(lost).toBeGreaterThan(3);
  });

  it('T25 RFC 4028 §10: a refresh that is refused for another reason is tried again until the session ends', async () => {
    const agents = new LinkedAgents(clock, { caller: { sessionTimer: SHORT } });
    const original = agents.callee.onRequest.bind(agents.callee);
    agents.callee.onRequest = (transaction) => {
      if (transaction.request.method !== 'UPDATE') return original(transaction);
      const headers = transaction.request.headers.filter(({ name }) => name !== 'Contact');
      transaction.respond({ kind: 'response', status: 500, reason: 'Later', headers, body: '' });
    };
    const { outbound } = await agents.connect();
    const ends = lasting([outbound]);
    agents.rule = ({ from, message }) => ({
      drop: from === 'callee' && message.kind === 'request' && message.method === 'BYE',
    });
    await clock.advance(58_500);
    expect(agents.requests('caller', 'UPDATE').length).toBe(2);
    expect(ends).toEqual([]);
    await clock.advance(1000);
    expect(ends).toMatchObject([{ by: 'timeout' }]);
    expect(agents.requests('caller', 'BYE')).toHaveLength(1);
  });

  it('T25 RFC 4028 §7.3: an INVITE that is answered 422 comes again with the interval that is wanted', async () => {
    const agents = new LinkedAgents(clock, {
      caller: { sessionTimer: SHORT },
      callee: { sessionTimer: { expiresS: 1800, minS: 600 } },
    });
    const { outbound } = await agents.connect();
    const invites = agents.requests('caller', 'INVITE').map(({ message }) => message as SipRequest);
    expect(invites.map((one) => getHeader(one, 'Session-Expires'))).toEqual(['90', '600']);
    expect(invites.map((one) => getHeader(one, 'Min-SE'))).toEqual(['90', '600']);
    expect(invites.map((one) => cseqOf(one).sequence)).toEqual([1, 2]);
    expect(new Set(invites.map((one) => getHeader(one, 'Call-ID'))).size).toBe(1);
    expect(agents.responses('callee', 422)).toHaveLength(1);
    await clock.advance(MINUTES_35);
    expect(outbound.state).toBe('confirmed');
  });

  it('T23 T25 RFC 3311: a call whose caller does not know timers lasts, and nothing is sent to it', async () => {
    const agents = new LinkedAgents(clock, { caller: { sessionTimer: null } });
    const { outbound, inbound } = await agents.connect();
    const before = agents.sent.length;
    await clock.advance(MINUTES_35 * 3);
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
    expect(agents.sent.length).toBe(before);
  });

  it('T25 RFC 4028: a callee that does not know timers is left alone', async () => {
    const agents = new LinkedAgents(clock, {
      caller: { sessionTimer: SHORT },
      callee: { sessionTimer: null },
    });
    const { outbound, inbound } = await agents.connect();
    const before = agents.sent.length;
    await clock.advance(MINUTES_35 * 3);
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
    expect(agents.sent.length).toBe(before);
  });
});

describe('session timers against a scripted far end', () => {
  let clock: FakeClock;
  let wire: MemoryWire;
  let legs: InboundLeg[];
  beforeEach(() => {
    clock = new FakeClock();
    wire = new MemoryWire(clock);
    legs = [];
    wire.core.events.on('invite', (leg) => {
      legs.push(leg);
      leg.answer(ANSWER);
      leg.onOffer = () => ({ accept: true, sdp: ANSWER });
    });
  });

  function lastResponse(): SipMessage {
    const message = wire.sent.at(-1)?.message;
    if (message?.kind !== 'response') throw new Error('no response was sent');
    return message;
  }

  async function callIn(headers: SipHeader[]): Promise<{ tag: string; ok: SipMessage }> {
    wire.receive(peerRequest('INVITE', { headers, body: OFFER }));
    await clock.advance(0);
    const [ok] = wire.responses(200);
    if (!ok) throw new Error('not answered');
    wire.receive(peerRequest('ACK', { branch: 'z9hG4bK-ack', toTag: tagIn(ok) }));
    await clock.advance(0);
    return { tag: tagIn(ok), ok };
  }

  function tagIn(message: SipMessage): string {
    return /;tag=(\S+)/.exec(getHeader(message, 'To') ?? '')?.[1] ?? '';
  }

  it('T25 RFC 4028 §9: the 200 says who refreshes, and requires what the caller must know for it', async () => {
    const { ok } = await callIn([
      { name: 'Supported', value: 'timer, replaces' },
      { name: 'Session-Expires', value: '1200;refresher=uac' },
    ]);
    expect(getHeader(ok, 'Session-Expires')).toBe('1200;refresher=uac');
    expect(getHeader(ok, 'Require')).toBe('timer');
  });

  it('T25 RFC 4028: a peer may refresh without our Supported: its re-INVITEs and UPDATEs keep the call', async () => {
    const { tag } = await callIn([{ name: 'Max-Forwards', value: '70' }]);
    for (let turn = 1; turn <= 20; turn++) {
      await clock.advance(400_000);
      const method = turn % 2 === 0 ? 'UPDATE' : 'INVITE';
      const headers = [{ name: 'Session-Expires', value: '900;refresher=uac' }];
      const body = method === 'INVITE' ? { body: OFFER } : {};
      wire.receive(
        peerRequest(method, {
          cseq: turn + 1,
          toTag: tag,
          headers: [...headers, { name: 'Supported', value: 'timer' }],
          ...body,
        }),
      );
      await clock.advance(0);
      const ok = lastResponse();
      expect(ok).toMatchObject({ status: 200 });
      expect(getHeader(ok, 'Session-Expires')).toBe('900;refresher=uac');
      if (method === 'INVITE') {
        wire.receive(
          peerRequest('ACK', { cseq: turn + 1, branch: `z9hG4bK-a${turn}`, toTag: tag }),
        );
      }
    }
    expect(legs[0]?.state).toBe('confirmed');
    await clock.advance(869_000);
    expect(legs[0]?.state).toBe('ended');
  });

  it('T25 RFC 4028 §9: an INVITE and an UPDATE with a short interval are answered 422 with Min-SE', async () => {
    const short = [
      { name: 'Supported', value: 'timer' },
      { name: 'Session-Expires', value: '60' },
    ];
    wire.receive(
      peerRequest('INVITE', {
        callId: 'short',
        branch: 'z9hG4bK-short',
        headers: short,
        body: OFFER,
      }),
    );
    expect(lastResponse()).toMatchObject({ status: 422, reason: 'Session Interval Too Small' });
    expect(getHeader(lastResponse(), 'Min-SE')).toBe('90');
    expect(legs).toEqual([]);
    const { tag } = await callIn([{ name: 'Supported', value: 'timer' }]);
    wire.receive(peerRequest('UPDATE', { cseq: 2, toTag: tag, headers: short }));
    expect(lastResponse()).toMatchObject({ status: 422 });
    wire.receive(peerRequest('INVITE', { cseq: 3, toTag: tag, headers: short, body: OFFER }));
    expect(lastResponse()).toMatchObject({ status: 422 });
    expect(legs[0]?.state).toBe('confirmed');
  });

  it('T25 RFC 4028 §7.4: UPDATE that is not allowed after all gives way to re-INVITE at once', async () => {
    const leg = wire.core.invite({
      requestUri: 'sip:bob@192.0.2.9',
      nextHop: PEER,
      sipCallId: 'our-call',
      localTag: 'ours',
      branch: 'z9hG4bK-first',
      from: { uri: 'sip:alice@192.0.2.1' },
      to: { uri: 'sip:bob@192.0.2.9' },
      sdp: OFFER,
    });
    const [invite] = wire.requests('INVITE');
    if (!invite) throw new Error('no INVITE');
    const contact = { name: 'Contact', value: '<sip:peer@192.0.2.9:5060>' };
    wire.reply(invite, 200, {
      headers: [
        contact,
        { name: 'Allow', value: 'INVITE, UPDATE' },
        { name: 'Session-Expires', value: '90;refresher=uac' },
      ],
      body: ANSWER,
    });
    await clock.advance(45_000);
    const [update] = wire.requests('UPDATE');
    if (!update) throw new Error('no UPDATE');
    wire.reply(update, 405, { headers: [{ name: 'Allow', value: 'INVITE, ACK, BYE' }] });
    await clock.advance(0);
    const refresh = wire.requests('INVITE').at(-1);
    if (!refresh) throw new Error('no re-INVITE');
    expect(refresh.body).toBe(OFFER);
    expect(getHeader(refresh, 'Session-Expires')).toBe('90;refresher=uac');
    wire.reply(refresh, 200, {
      headers: [contact, { name: 'Session-Expires', value: '90;refresher=uac' }],
      body: ANSWER,
    });
    await clock.advance(45_000);
    expect(wire.requests('UPDATE')).toHaveLength(1);
    expect(wire.requests('INVITE')).toHaveLength(3);
    expect(leg.state).toBe('confirmed');
    // RFC 4028 §10: 481 ends the dialog.
    const last = wire.requests('INVITE').at(-1);
    if (last) wire.reply(last, 481);
    await clock.advance(0);
    expect(leg.state).toBe('ended');
  });
});
