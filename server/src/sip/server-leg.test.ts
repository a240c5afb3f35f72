import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { InboundLeg, LegEnd, LegFailure } from './leg.ts';
import { getHeader, type SipMessage } from './message.ts';
import { cseqOf, tagOf } from './message-fields.ts';
import { MemoryWire, peerRequest } from './testing/memory-wire.ts';

const OFFER = 'v=0\r\n';

describe('ServerLeg', () => {
  let clock: FakeClock;
  let wire: MemoryWire;
  let legs: InboundLeg[];
  let failures: LegFailure[];
  let ends: LegEnd[];
  let answers: (string | null)[];
  beforeEach(() => {
    clock = new FakeClock();
    wire = new MemoryWire(clock);
    legs = [];
    failures = [];
    ends = [];
    answers = [];
    wire.core.events.on('invite', (leg) => {
      legs.push(leg);
      leg.events.on('failed', (failure) => failures.push(failure));
      leg.events.on('ended', (end) => ends.push(end));
      leg.events.on('answered', ({ sdp }) => answers.push(sdp));
    });
  });

  function ringIn(over: Parameters<typeof peerRequest>[1] = { body: OFFER }): InboundLeg {
    wire.receive(peerRequest('INVITE', { branch: 'z9hG4bK-in', ...over }));
    const leg = legs.at(-1);
    if (!leg) throw new Error('no call came in');
    return leg;
  }

  function inDialog(): { toTag: string } {
    const response = wire.sent
      .map(({ message }) => message)
      .find((one) => tagOf(one, 'To') !== null);
    return { toTag: (response && tagOf(response, 'To')) ?? '' };
  }

  const isStatus =
    (status: number) =>
    (message: SipMessage): boolean =>
      message.kind === 'response' && message.status === status;

  it('T09 RFC 3261 §17.2.1: 100 leaves at once, and again for the same INVITE, which makes one call', () => {
    for (let i = 0; i < 5; i++) ringIn();
    expect(legs).toHaveLength(1);
    expect(wire.timesS(isStatus(100))).toEqual([0, 0, 0, 0, 0]);
    expect(tagOf(wire.responses(100)[0] as SipMessage, 'To')).toBeNull();
  });

  it('T09 RFC 3261 §17.2.1: a refusal is repeated by timer G up to every T2 until timer H', async () => {
    ringIn().reject(486);
    await clock.advance(40_000);
    expect(wire.timesS(isStatus(486))).toEqual([
      0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5,
    ]);
    expect(failures).toMatchObject([{ cause: 'response', status: 486 }]);
  });

  it('T09 RFC 3261 §17.2.1: the ACK stops the refusal', async () => {
    ringIn().reject(486);
    wire.receive(peerRequest('ACK', { branch: 'z9hG4bK-in', ...inDialog() }));
    await clock.advance(40_000);
    expect(wire.responses(486)).toHaveLength(1);
    expect(wire.core.counters.strayReceived).toBe(0);
  });

  it('T10 RFC 3261 §13.3.1.4: the 200 is repeated up to every T2; without ACK the call ends with BYE', async () => {
    ringIn().answer('v=0\r\n');
    ringIn();
    await clock.advance(31_999);
    expect(wire.timesS(isStatus(200))).toEqual([
      0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5,
    ]);
    expect(wire.requests('BYE')).toEqual([]);
    await clock.advance(1);
    expect(wire.requests('BYE')).toHaveLength(1);
    expect(ends).toEqual([{ by: 'timeout', reasonHeader: null }]);
    expect(answers).toEqual([]);
  });

  it('T10 T20 RFC 3261 §13.3.1.4: the ACK ends the repetition and brings the late answer', async () => {
    const leg = ringIn({});
    expect(leg.sdp).toBeNull();
    leg.answer('v=0\r\n');
    wire.receive(peerRequest('ACK', { ...inDialog(), body: 'v=0\r\ns=late\r\n' }));
    wire.receive(peerRequest('ACK', inDialog()));
    await clock.advance(40_000);
    expect(wire.responses(200)).toHaveLength(1);
    expect(answers).toEqual(['v=0\r\ns=late\r\n']);
  });

  it('T13 RFC 3261 §9.2: CANCEL is answered 200, the INVITE 487, and has no effect later', () => {
    ringIn().ring();
    const reason = [{ name: 'Reason', value: 'SIP;cause=200;text="Call completed elsewhere"' }];
    const cancel = peerRequest('CANCEL', { branch: 'z9hG4bK-in', headers: reason });
    wire.receive(cancel);
    expect([200, 487].map((status) => wire.responses(status).length)).toEqual([1, 1]);
    expect(failures).toMatchObject([
      { cause: 'cancelled', status: 487, local: false, reasonHeader: reason[0]?.value },
    ]);
    wire.receive(peerRequest('CANCEL', { branch: 'z9hG4bK-other' }));
    expect(wire.responses(481)).toHaveLength(1);
  });

  it('T13 RFC 3261 §9.2: CANCEL after the answer changes nothing', () => {
    const leg = ringIn();
    leg.answer('v=0\r\n');
    wire.receive(peerRequest('CANCEL', { branch: 'z9hG4bK-in' }));
    expect(leg.state).toBe('confirmed');
    expect(failures).toEqual([]);
  });

  it('T30 RFC 3261 §15: our BYE waits for the ACK', async () => {
    const leg = ringIn();
    leg.answer('v=0\r\n');
    void leg.hangup();
    expect(wire.requests('BYE')).toEqual([]);
    wire.receive(peerRequest('ACK', inDialog()));
    expect(wire.requests('BYE')).toHaveLength(1);
    expect(ends).toEqual([{ by: 'local', reasonHeader: null }]);
  });

  it('T30 RFC 3261 §15.1.2: a BYE that overtakes its ACK ends the call and the repetition', async () => {
    ringIn().answer('v=0\r\n');
    wire.receive(peerRequest('BYE', { ...inDialog(), cseq: 2 }));
    await clock.advance(40_000);
    expect(wire.responses(200).map((ok) => cseqOf(ok).method)).toEqual(['INVITE', 'BYE']);
    expect(ends).toEqual([{ by: 'remote', reasonHeader: null }]);
  });

  it('T30 RFC 3261 §15.1.2: BYE before the answer gets 200, the INVITE 487', () => {
    ringIn().ring();
    wire.receive(peerRequest('BYE', { ...inDialog(), cseq: 2 }));
    expect([200, 487].map((status) => wire.responses(status).length)).toEqual([1, 1]);
    expect(failures).toMatchObject([{ cause: 'cancelled' }]);
  });

  it('T30 RFC 3261 §15.1.2: a re-INVITE that is pending when BYE comes is answered 487', () => {
    const leg = ringIn();
    leg.onOffer = () => new Promise(() => undefined);
    leg.answer('v=0\r\n');
    wire.receive(peerRequest('ACK', inDialog()));
    wire.receive(peerRequest('INVITE', { ...inDialog(), cseq: 2, body: OFFER }));
    wire.receive(peerRequest('BYE', { ...inDialog(), cseq: 3 }));
    expect(wire.responses(487).map((one) => cseqOf(one).sequence)).toEqual([2]);
  });

  it('T24 RFC 3261 §14.2: an offer inside an unanswered offer gets 500 with Retry-After, by default 488', async () => {
    const leg = ringIn();
    leg.answer('v=0\r\n');
    wire.receive(peerRequest('ACK', inDialog()));
    wire.receive(peerRequest('INVITE', { ...inDialog(), cseq: 2, body: OFFER }));
    wire.receive(peerRequest('INVITE', { ...inDialog(), cseq: 3, body: OFFER }));
    expect(getHeader(wire.responses(500)[0] as SipMessage, 'Retry-After')).toMatch(/^(\d|10)$/);
    await clock.advance(1);
    expect(wire.responses(488).map((one) => cseqOf(one).sequence)).toEqual([2]);
    expect(leg.state).toBe('confirmed');
  });

  it('T22 RFC 3261 §14.2: a re-INVITE without SDP gets our offer, and its ACK brings the answer', async () => {
    const leg = ringIn();
    const offers: (string | null)[] = [];
    const renegotiated: string[] = [];
    leg.onOffer = (sdp) => {
      offers.push(sdp);
      return { accept: true, sdp: 'v=0\r\ns=ours\r\n' };
    };
    leg.events.on('renegotiated', ({ sdp }) => renegotiated.push(sdp));
    leg.answer('v=0\r\n');
    wire.receive(peerRequest('ACK', inDialog()));
    wire.receive(peerRequest('INVITE', { ...inDialog(), cseq: 2 }));
    await clock.advance(1);
    expect(wire.responses(200).at(-1)?.body).toBe('v=0\r\ns=ours\r\n');
    wire.receive(
      peerRequest('ACK', {
        ...inDialog(),
        cseq: 2,
        branch: 'z9hG4bK-a2',
        body: 'v=0\r\ns=theirs\r\n',
      }),
    );
    expect(offers).toEqual([null]);
    expect(renegotiated).toEqual(['v=0\r\ns=theirs\r\n']);
    expect(answers).toEqual([null]);
  });

  it('T10 RFC 3261 §14.2: a re-INVITE whose 200 is never acknowledged ends the call with BYE', async () => {
    const leg = ringIn();
    leg.onOffer = () => ({ accept: true, sdp: 'v=0\r\n' });
    leg.answer('v=0\r\n');
    wire.receive(peerRequest('ACK', inDialog()));
    wire.receive(peerRequest('INVITE', { ...inDialog(), cseq: 2, body: OFFER }));
    await clock.advance(33_000);
    expect(ends).toEqual([{ by: 'timeout', reasonHeader: null }]);
    expect(wire.requests('BYE').length).toBeGreaterThan(0);
  });

  it('T36 RFC 3261 §12.2.2: the Contact of an accepted re-INVITE is the new target, of a refused one not', async () => {
    const leg = ringIn();
    leg.answer('v=0\r\n');
    wire.receive(peerRequest('ACK', inDialog()));
    const moved = [{ name: 'Contact', value: '<sip:moved@192.0.2.77:5070>' }];
    const move = (cseq: number): void => {
      const request = peerRequest('INVITE', { ...inDialog(), cseq, body: OFFER, headers: moved });
      request.headers = request.headers.filter(
        ({ value }) => value !== '<sip:alice@192.0.2.9:5060>',
      );
      wire.receive(request);
    };
    move(2);
    await clock.advance(1);
    expect(leg.snapshot().remoteTarget).toBe('sip:alice@192.0.2.9:5060');
    leg.onOffer = () => ({ accept: true, sdp: 'v=0\r\n' });
    move(3);
    await clock.advance(1);
    expect(leg.snapshot()).toMatchObject({
      remoteTarget: 'sip:moved@192.0.2.77:5070',
      nextHop: { host: '192.0.2.77', port: 5070, transport: 'udp' },
    });
  });

  it('RFC 3261 §13.3.1.1: ringing is repeated each minute', async () => {
    ringIn().ring(183, 'v=0\r\n');
    await clock.advance(125_000);
    expect(wire.timesS(isStatus(183))).toEqual([0, 60, 120]);
    expect(wire.responses(183)[0]?.body).toBe('v=0\r\n');
  });

  it('T24 RFC 3261 §14.2: a second INVITE before the final response to the first is 500 with Retry-After', () => {
    ringIn().ring(183, 'v=0\r\n');
    wire.receive(peerRequest('INVITE', { ...inDialog(), cseq: 2, body: OFFER }));
    const [refusal] = wire.responses(500);
    expect(refusal?.headers.some(({ name }) => name === 'Retry-After')).toBe(true);
  });
});
