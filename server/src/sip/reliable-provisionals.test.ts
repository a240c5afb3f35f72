import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { InboundLeg, Leg, LegFailure, ProvisionalResponse } from './leg.ts';
import { getHeader, type SipHeader, type SipRequest, type SipResponse } from './message.ts';
import { tagOf } from './message-fields.ts';
import { RELIABLE_INPUTS, RELIABLE_STATES, reliableNext } from './reliable-provisional-fsm.ts';
import { MemoryWire, PEER, peerRequest } from './testing/memory-wire.ts';
import type { InviteOptions } from './user-agent.ts';

const OFFER = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n';
const ANSWER = 'v=0\r\no=- 2 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n';
const CONTACT = { name: 'Contact', value: '<sip:peer@192.0.2.9:5062>' };

let clock: FakeClock;
let wire: MemoryWire;
beforeEach(() => {
  clock = new FakeClock();
  wire = new MemoryWire(clock);
});

describe('T26 RFC 3262: reliable provisional responses to our INVITE', () => {
  let provisionals: ProvisionalResponse[];

  function call(over: Partial<InviteOptions> = {}): Leg {
    provisionals = [];
    const leg = wire.core.invite({
      requestUri: 'sip:bob@192.0.2.9',
      nextHop: PEER,
      sipCallId: 'our-call',
      localTag: 'ours',
      branch: 'z9hG4bK-first',
      from: { uri: 'sip:alice@192.0.2.1' },
      to: { uri: 'sip:bob@192.0.2.9' },
      sdp: OFFER,
      ...over,
    });
    leg.events.on('provisional', (response) => provisionals.push(response));
    return leg;
  }

  function invite(): SipRequest {
    const [first] = wire.requests('INVITE');
    if (!first) throw new Error('no INVITE');
    return first;
  }

  function reliable(
    rseq: number | string,
    over: { toTag?: string; body?: string; status?: number } = {},
  ): void {
    const { status = 183, ...fields } = over;
    const headers: SipHeader[] = [
      CONTACT,
      { name: 'Require', value: '100rel' },
      { name: 'RSeq', value: String(rseq) },
    ];
    wire.reply(invite(), status, { headers, ...fields });
  }

  const racks = (): (string | undefined)[] =>
    wire.requests('PRACK').map((prack) => getHeader(prack, 'RAck'));

  it('T26 RFC 3262 §4: our INVITE supports 100rel, and a carrier’s profile can switch that off', () => {
    call();
    expect(getHeader(invite(), 'Supported')).toBe('100rel, timer');
    wire.sent.length = 0;
    call({ sipCallId: 'plivo', branch: 'z9hG4bK-p', reliableProvisionals: false });
    expect(getHeader(invite(), 'Supported')).toBe('timer');
    wire.sent.length = 0;
    call({
      sipCallId: 'bare',
      branch: 'z9hG4bK-b',
      reliableProvisionals: false,
      sessionTimer: null,
    });
    expect(getHeader(invite(), 'Supported')).toBeUndefined();
    expect(getHeader(invite(), 'Session-Expires')).toBeUndefined();
  });

  it('T26 RFC 3262 §4: each RSeq is acknowledged once, in the early dialog, whatever is repeated or lost', async () => {
    call();
    reliable(7000, { body: ANSWER });
    expect(racks()).toEqual(['7000 1 INVITE']);
    const [prack] = wire.requests('PRACK');
    expect(prack?.uri).toBe('sip:peer@192.0.2.9:5062');
    expect(prack && tagOf(prack, 'To')).toBe('peer');
    reliable(7000, { body: ANSWER });
    // One that comes before its time waits for its own retransmission.
    reliable(7002, { status: 180 });
    expect(racks()).toHaveLength(1);
    if (prack) wire.reply(prack, 200);
    reliable(7001, { status: 180 });
    reliable(7002, { status: 181 });
    expect(racks()).toEqual(['7000 1 INVITE', '7001 1 INVITE', '7002 1 INVITE']);
    expect(provisionals.map(({ status }) => status)).toEqual([183, 180, 181]);
    expect(provisionals[0]?.sdp).toBe(ANSWER);
    await clock.advance(0);
  });

  it('T26 RFC 3262 §4: a PRACK that is lost is sent again, by its own transaction', async () => {
    call();
    reliable(1);
    await clock.advance(1500);
    expect(wire.timesS((one) => one.kind === 'request' && one.method === 'PRACK')).toEqual([
      0, 0.5, 1.5,
    ]);
    const [prack] = wire.requests('PRACK');
    if (prack) wire.reply(prack, 200);
    await clock.advance(20_000);
    expect(wire.requests('PRACK')).toHaveLength(3);
  });

  it.each(['0', '-1', 'x', '', '4294967296'])(
    'T26 RFC 3262 §7.1: an RSeq of %j is ignored',
    (rseq) => {
      call();
      reliable(rseq);
      expect(racks()).toEqual([]);
      expect(provisionals).toEqual([]);
    },
  );

  it('T26 T12 RFC 3262 §4: forks count their own RSeq', () => {
    call();
    reliable(10, { toTag: 'one' });
    reliable(500, { toTag: 'two' });
    reliable(11, { toTag: 'one' });
    expect(racks()).toEqual(['10 1 INVITE', '500 1 INVITE', '11 1 INVITE']);
  });

  it('T23 RFC 3311 §5.1: an UPDATE with an offer leaves before the answer only where the first answer came reliably', async () => {
    const leg = call();
    wire.reply(invite(), 183, { headers: [CONTACT], body: ANSWER });
    expect(await leg.update(OFFER)).toMatchObject({ status: 491 });
    expect(wire.requests('UPDATE')).toEqual([]);
    reliable(5, { body: ANSWER });
    const updated = leg.update(OFFER);
    await clock.advance(0);
    const [update] = wire.requests('UPDATE');
    if (!update) throw new Error('no UPDATE');
    expect(update.body).toBe(OFFER);
    wire.reply(update, 200, { headers: [CONTACT], body: ANSWER });
    expect(await updated).toEqual({ status: 200, reason: 'OK', sdp: ANSWER });
  });
});

describe('T26 RFC 3262: provisional responses that a caller requires to be reliable', () => {
  let leg: InboundLeg;
  let failures: LegFailure[];

  function callIn(body: string | undefined = OFFER): void {
    failures = [];
    wire.core.events.once('invite', (incoming) => {
      leg = incoming;
      leg.events.on('failed', (failure) => failures.push(failure));
    });
    const headers = [{ name: 'Require', value: '100rel' }];
    wire.receive(peerRequest('INVITE', { headers, ...(body === '' ? {} : { body }) }));
  }

  function last(status: number): SipResponse {
    const response = wire.responses(status).at(-1);
    if (!response) throw new Error(`no ${status} was sent`);
    return response;
  }

  function prack(rseq: number, cseq: number, body?: string): void {
    wire.receive(
      peerRequest('PRACK', {
        cseq,
        toTag: tagOf(last(183), 'To') ?? '',
        headers: [{ name: 'RAck', value: `${rseq}  1 INVITE` }],
        ...(body === undefined ? {} : { body }),
      }),
    );
  }

  const rseqOf = (response: SipResponse): number => Number(getHeader(response, 'RSeq'));

  it('T26 RFC 3262 §3: is repeated at T1, doubling, until the PRACK; the 200 waits for it', async () => {
    callIn();
    leg.ring(183, ANSWER);
    expect(getHeader(last(183), 'Require')).toBe('100rel');
    leg.answer(ANSWER);
    await clock.advance(4000);
    expect(wire.timesS((one) => one.kind === 'response' && one.status === 183)).toEqual([
      0, 0.5, 1.5, 3.5,
    ]);
    expect(wire.responses(200)).toEqual([]);
    prack(rseqOf(last(183)), 2);
    await clock.advance(0);
    expect(wire.responses(200).map((one) => getHeader(one, 'CSeq'))).toEqual([
      '2 PRACK',
      '1 INVITE',
    ]);
    expect(leg.state).toBe('confirmed');
  });

  it('T26 RFC 3262 §3: no second one before the first is acknowledged, and RSeq grows by one', async () => {
    callIn();
    leg.ring(183);
    leg.ring(180);
    expect(wire.responses(180)).toEqual([]);
    const first = rseqOf(last(183));
    prack(first, 2);
    await clock.advance(0);
    expect(rseqOf(last(180))).toBe(first + 1);
  });

  it('T26 RFC 3262 §3: a PRACK of nothing is answered 481, also one that comes twice', async () => {
    callIn();
    leg.ring(183);
    const rseq = rseqOf(last(183));
    prack(rseq + 5, 2);
    expect(wire.responses(481)).toHaveLength(1);
    prack(rseq, 3);
    prack(rseq, 4);
    await clock.advance(0);
    expect(wire.responses(481)).toHaveLength(2);
  });

  it('T26 RFC 3262 §3: without a PRACK for 64*T1 the call is refused', async () => {
    callIn();
    leg.ring(183, ANSWER);
    await clock.advance(32_000);
    expect(wire.responses(504)).toHaveLength(1);
    expect(failures).toMatchObject([{ status: 504 }]);
    await clock.advance(100_000);
    expect(clock.pendingCount).toBe(0);
  });

  it('T26 RFC 3262 §5: a PRACK with a new offer is answered with an answer', async () => {
    callIn();
    leg.onOffer = (sdp) => ({ accept: true, sdp: `${sdp ?? ''}a=taken\r\n` });
    leg.ring(183, ANSWER);
    prack(rseqOf(last(183)), 2, OFFER);
    await clock.advance(0);
    expect(last(200).body).toBe(`${OFFER}a=taken\r\n`);
  });

  it('T26 RFC 3262 §5: an INVITE without an offer is not rung, since our offer belongs into the 200', () => {
    callIn('');
    leg.ring();
    expect(wire.responses(180)).toEqual([]);
    leg.answer(OFFER);
    expect(last(200).body).toBe(OFFER);
  });

  it('T26 RFC 3262 §3: hanging up while one waits ends everything', async () => {
    callIn();
    leg.ring(183, ANSWER);
    leg.answer(ANSWER);
    void leg.hangup();
    expect(wire.responses(480)).toHaveLength(1);
    await clock.advance(100_000);
    expect(clock.pendingCount).toBe(0);
    expect(wire.responses(200)).toEqual([]);
  });

  it('T26 RFC 3262: the table of states is whole', () => {
    for (const state of RELIABLE_STATES) {
      for (const input of RELIABLE_INPUTS) expect(reliableNext(state, input).state).toBeDefined();
    }
    expect(reliableNext('over', 'send').effects).toEqual([]);
  });
});
