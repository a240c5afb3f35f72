import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { Leg, LegEnd, LegFailure } from './leg.ts';
import { getHeader, type SipRequest } from './message.ts';
import { cseqOf, tagOf } from './message-fields.ts';
import { topVia } from './response-address.ts';
import { MemoryWire, PEER, peerRequest } from './testing/memory-wire.ts';
import type { InviteOptions } from './user-agent.ts';

const CONTACT = { name: 'Contact', value: '<sip:peer@192.0.2.9:5062>' };
const CHALLENGE = (kind: 'WWW' | 'Proxy', nonce: string, stale = false) => ({
  name: `${kind}-Authenticate`,
  value: `Digest realm="${kind}", nonce="${nonce}", qop="auth", algorithm=MD5${stale ? ', stale=true' : ''}`,
});

describe('ClientLeg', () => {
  let clock: FakeClock;
  let wire: MemoryWire;
  let failures: LegFailure[];
  let ends: LegEnd[];
  beforeEach(() => {
    clock = new FakeClock();
    wire = new MemoryWire(clock);
    failures = [];
    ends = [];
  });

  function call(over: Partial<InviteOptions> = {}): Leg {
    const leg = wire.core.invite({
      requestUri: 'sip:bob@192.0.2.9',
      nextHop: PEER,
      sipCallId: 'our-call',
      localTag: 'ours',
      branch: 'z9hG4bK-first',
      from: { uri: 'sip:alice@192.0.2.1' },
      to: { uri: 'sip:bob@192.0.2.9' },
      sdp: 'v=0\r\n',
      ...over,
    });
    leg.events.on('failed', (failure) => failures.push(failure));
    leg.events.on('ended', (end) => ends.push(end));
    return leg;
  }

  function only(method: string, at = -1): SipRequest {
    const request = wire.requests(method).at(at);
    if (!request) throw new Error(`no ${method} was sent`);
    return request;
  }

  it('T08 T29 a gateway that says nothing at all for 5 s is given up, and hears the INVITE no more', async () => {
    call();
    await clock.advance(4999);
    expect(failures).toEqual([]);
    await clock.advance(1);
    expect(failures).toMatchObject([
      { cause: 'timeout', status: 408, local: true, provisionalSeen: false },
    ]);
    expect(wire.core.legs.size).toBe(0);
    await clock.advance(300_000);
    expect(wire.timesS(() => true)).toEqual([0, 0.5, 1.5, 3.5]);
    expect(failures).toHaveLength(1);
    expect(clock.pendingCount).toBe(0);
  });

  it('a 100 keeps the call for as long as it takes, and an INVITE with credentials has 5 s of its own', async () => {
    call({ credentials: { username: 'u', password: 'p' }, noResponseTimeoutMs: 3000 });
    await clock.advance(2999);
    wire.reply(only('INVITE'), 407, { headers: [CHALLENGE('Proxy', 'n1')] });
    await clock.advance(2999);
    wire.reply(only('INVITE'), 100);
    await clock.advance(200_000);
    expect(failures).toEqual([]);
    call({ sipCallId: 'two', branch: 'z9hG4bK-two', noResponseTimeoutMs: 1000 });
    await clock.advance(1000);
    expect(failures).toMatchObject([{ cause: 'timeout', status: 408 }]);
  });

  it.each([6000, 60_000])(
    'T13 RFC 3261 §9.1: a phone that rings %i ms after the INVITE was given up is cancelled, once',
    async (atMs) => {
      call();
      await clock.advance(atMs);
      wire.reply(only('INVITE', 0), 100, { toTag: '' });
      wire.reply(only('INVITE', 0), 180, { headers: [CONTACT] });
      expect(wire.requests('CANCEL')).toHaveLength(1);
      expect(topVia(only('CANCEL'))?.branch).toBe('z9hG4bK-first');
      wire.reply(only('CANCEL'), 200);
      wire.reply(only('INVITE', 0), 487);
      expect(wire.requests('ACK').map((ack) => topVia(ack)?.branch)).toEqual(['z9hG4bK-first']);
      await clock.advance(300_000);
      expect(failures).toHaveLength(1);
      expect(clock.pendingCount).toBe(0);
    },
  );

  it('T13 T14 RFC 3261 §9.1: a gateway that rings late and answers no CANCEL is forgotten after 64*T1', async () => {
    call();
    await clock.advance(6000);
    wire.reply(only('INVITE', 0), 180, { headers: [CONTACT] });
    await clock.advance(300_000);
    expect(clock.pendingCount).toBe(0);
    expect(failures).toHaveLength(1);
  });

  it.each([6000, 60_000])(
    'T11 RFC 3261 §13.2.2.4: an answer %i ms after the INVITE was given up is acknowledged and ended',
    async (atMs) => {
      call();
      await clock.advance(atMs);
      wire.reply(only('INVITE', 0), 200, { headers: [CONTACT] });
      expect([wire.requests('ACK').length, wire.requests('BYE').length]).toEqual([1, 1]);
      expect(failures).toMatchObject([{ cause: 'timeout' }]);
    },
  );

  it('RFC 3261 §17.1.1.3: a refusal after the INVITE was given up is acknowledged, and changes nothing', async () => {
    call();
    await clock.advance(6000);
    wire.reply(only('INVITE', 0), 503);
    expect(wire.requests('ACK')).toHaveLength(1);
    expect(failures).toHaveLength(1);
  });

  it('a call that is given up by us while nothing was heard is cancelled after the same 5 s', async () => {
    const leg = call();
    const over = leg.hangup();
    await clock.advance(5000);
    await over;
    expect(failures).toMatchObject([{ cause: 'cancelled', status: 487, local: true }]);
    wire.reply(only('INVITE', 0), 180, { headers: [CONTACT] });
    expect(wire.requests('CANCEL')).toHaveLength(1);
  });

  it('a late 180 while the user agent closes keeps no timer', async () => {
    call();
    await clock.advance(6000);
    wire.reply(only('INVITE', 0), 180, { headers: [CONTACT] });
    const closed = wire.core.close();
    await clock.advance(1000);
    await closed;
    expect(clock.pendingCount).toBe(0);
  });

  it('T08 RFC 3261 §17.1.1.2: over UDP an INVITE leaves at 0, .5, 1.5 ... 31.5 s and times out at 32 s', async () => {
    call({ noResponseTimeoutMs: 60_000 });
    await clock.advance(31_999);
    expect(failures).toEqual([]);
    await clock.advance(1);
    expect(wire.timesS(() => true)).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]);
    expect(failures).toMatchObject([
      { cause: 'timeout', status: 408, local: true, provisionalSeen: false },
    ]);
    expect(wire.core.counters.retransmissionsSent).toBe(6);
    expect(wire.core.legs.size).toBe(0);
  });

  it('T08 RFC 3261 §17.1.1.2: over TCP an INVITE leaves once', async () => {
    call({ nextHop: { ...PEER, transport: 'tcp' }, noResponseTimeoutMs: 60_000 });
    await clock.advance(33_000);
    expect(wire.requests('INVITE')).toHaveLength(1);
    expect(failures).toMatchObject([{ cause: 'timeout', status: 408 }]);
  });

  it('RFC 3261 §18.4: what cannot be sent is a transport failure', async () => {
    wire.refused.add('udp');
    call();
    await clock.advance(1);
    expect(failures).toMatchObject([{ cause: 'transport', status: 503, local: true }]);
  });

  it('RFC 3261 §18.4: a closed port is a transport failure when the INVITE leaves again', async () => {
    wire.closedPorts.add(PEER.port);
    call();
    await clock.advance(499);
    expect(failures).toEqual([]);
    await clock.advance(1);
    expect(failures).toMatchObject([{ cause: 'transport', status: 503, local: true }]);
    await clock.advance(40_000);
    expect(wire.timesS(() => true)).toEqual([0, 0.5]);
  });

  it('RFC 3261 §12.2.1.2: inside a dialog a closed port is silence like any other', async () => {
    const leg = call();
    wire.reply(only('INVITE'), 200, { headers: [CONTACT] });
    wire.closedPorts.add(5062).add(PEER.port);
    const sent = leg.info('application/dtmf-relay', 'Signal=1');
    await clock.advance(33_000);
    expect(await sent).toEqual({ status: 408 });
    expect(ends).toEqual([{ by: 'timeout', reasonHeader: null }]);
  });

  it('an INVITE that cannot be written down is a transport failure, and no call is left', async () => {
    call({ headers: [{ name: 'X-Bad', value: 'one\r\nVia: two' }] });
    await clock.advance(1);
    expect(failures).toMatchObject([{ cause: 'transport', status: 503 }]);
    expect([wire.sent.length, wire.core.legs.size]).toEqual([0, 0]);
  });

  it('T05 RFC 3261 §18.1.1: a large INVITE goes by TCP, and by UDP when TCP is refused', async () => {
    wire.refused.add('tcp');
    call({ sdp: `v=0\r\n${'a=x\r\n'.repeat(300)}` });
    await clock.advance(600);
    expect(wire.sent.map(({ to }) => to.transport)).toEqual(['udp', 'udp']);
    expect(topVia(only('INVITE'))).toMatchObject({ transport: 'UDP', branch: 'z9hG4bK-first' });
    wire.refused.clear();
    call({ sipCallId: 'two', branch: 'z9hG4bK-two', sdp: `v=0\r\n${'a=x\r\n'.repeat(300)}` });
    expect(wire.sent.at(-1)?.to).toEqual({ ...PEER, transport: 'tcp' });
    expect(topVia(only('INVITE'))?.transport).toBe('TCP');
  });

  it('T05 RFC 3261 §18.1.1: a TCP connection that a firewall swallows is given up after 2 s', async () => {
    wire.hanging.add('tcp');
    call({ sdp: `v=0\r\n${'a=x\r\n'.repeat(300)}`, noResponseTimeoutMs: 60_000 });
    await clock.advance(33_000);
    expect(wire.timesS(() => true)).toEqual([2, 2.5, 3.5, 5.5, 9.5, 17.5]);
    expect(failures).toMatchObject([{ cause: 'timeout' }]);
  });

  it('T12 T27 RFC 3261 §13.2.2.4: 18x of several forks each make an early dialog, the answer says which holds', () => {
    const leg = call();
    wire.reply(only('INVITE'), 180, { headers: [CONTACT], toTag: 'one' });
    wire.reply(only('INVITE'), 183, { headers: [CONTACT], toTag: 'two', body: 'v=0\r\n' });
    expect(leg.snapshot()).toMatchObject({ state: 'proceeding', remoteTag: 'two' });
    const update = { callId: 'our-call', toTag: 'ours', fromTag: 'one', cseq: 1 };
    wire.receive(peerRequest('UPDATE', update));
    expect(wire.responses(200)).toHaveLength(1);
    wire.reply(only('INVITE'), 200, { headers: [CONTACT], toTag: 'one' });
    expect(leg.snapshot()).toMatchObject({ state: 'confirmed', remoteTag: 'one' });
  });

  it('T08 RFC 3261 §17.1.1.3: a refusal is acknowledged in the transaction, again when it comes again', () => {
    call();
    const invite = only('INVITE');
    wire.reply(invite, 486, { headers: [{ name: 'Reason', value: 'Q.850;cause=17' }] });
    wire.reply(invite, 486);
    const acks = wire.requests('ACK');
    expect(acks).toHaveLength(2);
    expect(topVia(acks[0] as SipRequest)?.branch).toBe('z9hG4bK-first');
    expect(tagOf(acks[0] as SipRequest, 'To')).toBe('peer');
    expect(failures).toMatchObject([
      { cause: 'response', status: 486, local: false, reasonHeader: 'Q.850;cause=17' },
    ]);
  });

  it('RFC 3261 §21.3: a redirection is a failure with its status', () => {
    call();
    wire.reply(only('INVITE'), 302, { headers: [CONTACT] });
    expect(failures).toMatchObject([{ cause: 'response', status: 302 }]);
  });

  it('T11 T36 RFC 3261 §13.2.2.4: each repeated 2xx gets the same ACK, by the route of the answer', () => {
    const leg = call();
    const headers = [
      CONTACT,
      { name: 'Record-Route', value: '<sip:192.0.2.7;lr>, <sip:192.0.2.8;lr>' },
    ];
    for (let i = 0; i < 4; i++) wire.reply(only('INVITE'), 200, { headers, body: 'v=0\r\n' });
    const acks = wire.requests('ACK');
    expect(acks).toHaveLength(4);
    expect(new Set(acks.map((ack) => JSON.stringify(ack))).size).toBe(1);
    expect(acks[0]?.uri).toBe('sip:peer@192.0.2.9:5062');
    const routes = acks[0]?.headers.filter(({ name }) => name === 'Route');
    expect(routes?.map(({ value }) => value)).toEqual(['<sip:192.0.2.8;lr>', '<sip:192.0.2.7;lr>']);
    expect(wire.sent.at(-1)?.to.host).toBe('192.0.2.8');
    expect(leg.snapshot()).toMatchObject({
      state: 'confirmed',
      remoteTag: 'peer',
      routeSet: ['<sip:192.0.2.8;lr>', '<sip:192.0.2.7;lr>'],
    });
  });

  it('T36 RFC 3261 §12.2.1.1: a strict router stands in the Request-URI, the target last in Route', () => {
    const leg = call();
    const headers = [CONTACT, { name: 'Record-Route', value: '<sip:192.0.2.8>' }];
    wire.reply(only('INVITE'), 200, { headers });
    void leg.hangup();
    expect(only('BYE').uri).toBe('sip:192.0.2.8');
    expect(getHeader(only('BYE'), 'Route')).toBe('<sip:peer@192.0.2.9:5062>');
  });

  it('T12 RFC 3261 §13.2.2.4: the first fork is kept, another one is acknowledged and ended', () => {
    const leg = call();
    wire.reply(only('INVITE'), 200, { headers: [CONTACT] });
    wire.reply(only('INVITE'), 200, { headers: [CONTACT], toTag: 'second' });
    expect(wire.requests('ACK').map((ack) => tagOf(ack, 'To'))).toEqual(['peer', 'second']);
    expect(wire.requests('BYE').map((bye) => tagOf(bye, 'To'))).toEqual(['second']);
    expect(leg.state).toBe('confirmed');
  });

  it('T17 RFC 3261 §22: 401 and 407 are both answered in one call, each with a new branch and CSeq', () => {
    const leg = call({ credentials: { username: 'u', password: 'p' } });
    wire.reply(only('INVITE'), 407, { headers: [CHALLENGE('Proxy', 'n1')] });
    wire.reply(only('INVITE'), 401, { headers: [CHALLENGE('WWW', 'n2')] });
    const invites = wire.requests('INVITE');
    expect(invites.map((one) => cseqOf(one).sequence)).toEqual([1, 2, 3]);
    expect(new Set(invites.map((one) => topVia(one)?.branch)).size).toBe(3);
    expect(getHeader(only('INVITE'), 'Authorization')).toContain('nonce="n2"');
    expect(getHeader(only('INVITE'), 'Proxy-Authorization')).toContain('nc=00000002');
    expect(leg.snapshot()).toMatchObject({
      inviteCseq: 3,
      inviteBranch: topVia(only('INVITE'))?.branch,
    });
    wire.reply(only('INVITE'), 200, { headers: [CONTACT] });
    expect(getHeader(only('ACK'), 'Proxy-Authorization')).toContain('nonce="n1"');
    expect(failures).toEqual([]);
  });

  it('T17 RFC 3261 §22.2: a wrong password is tried once, a stale nonce again', () => {
    call({ credentials: { username: 'u', password: 'wrong' } });
    wire.reply(only('INVITE'), 407, { headers: [CHALLENGE('Proxy', 'n1')] });
    wire.reply(only('INVITE'), 407, { headers: [CHALLENGE('Proxy', 'n2', true)] });
    expect(failures).toEqual([]);
    wire.reply(only('INVITE'), 407, { headers: [CHALLENGE('Proxy', 'n3')] });
    expect(wire.requests('INVITE')).toHaveLength(3);
    expect(failures).toMatchObject([{ cause: 'response', status: 407 }]);
  });

  it('RFC 3261 §22: without credentials a challenge is a failure', () => {
    call();
    wire.reply(only('INVITE'), 401, { headers: [CHALLENGE('WWW', 'n')] });
    expect(wire.requests('INVITE')).toHaveLength(1);
    expect(failures).toMatchObject([{ cause: 'response', status: 401 }]);
  });

  it('T19 RFC 3261 §22: BYE is sent with the credentials, and again for a new challenge', () => {
    const leg = call({ credentials: { username: 'u', password: 'p' } });
    wire.reply(only('INVITE'), 407, { headers: [CHALLENGE('Proxy', 'n1')] });
    wire.reply(only('INVITE'), 200, { headers: [CONTACT] });
    void leg.hangup();
    expect(getHeader(only('BYE'), 'Proxy-Authorization')).toContain('nc=00000002');
    wire.reply(only('BYE'), 401, { headers: [CHALLENGE('WWW', 'n2')] });
    expect(wire.requests('BYE').map((bye) => cseqOf(bye).sequence)).toEqual([3, 4]);
    expect(getHeader(only('BYE'), 'Authorization')).toContain('nonce="n2"');
  });

  it('T13 RFC 3261 §9.1: CANCEL waits for a provisional response and carries the branch of the INVITE', () => {
    const leg = call();
    void leg.hangup({ reasonHeader: 'Q.850;cause=16' });
    expect(wire.requests('CANCEL')).toEqual([]);
    wire.reply(only('INVITE'), 100);
    expect(topVia(only('CANCEL'))?.branch).toBe('z9hG4bK-first');
    expect(getHeader(only('CANCEL'), 'CSeq')).toBe('1 CANCEL');
    expect(getHeader(only('CANCEL'), 'Reason')).toBe('Q.850;cause=16');
    wire.reply(only('CANCEL'), 200);
    expect(failures).toEqual([]);
    wire.reply(only('INVITE'), 487);
    expect(failures).toMatchObject([{ cause: 'cancelled', status: 487, local: false }]);
  });

  it('T13 RFC 3261 §9.1: an answer that crosses the CANCEL is acknowledged and ended', async () => {
    const leg = call();
    wire.reply(only('INVITE'), 180);
    const over = leg.hangup();
    wire.reply(only('INVITE'), 200, { headers: [CONTACT] });
    expect(wire.requests('ACK')).toHaveLength(1);
    wire.reply(only('BYE'), 200);
    await over;
    expect(failures).toMatchObject([{ cause: 'cancelled', status: 487, local: true }]);
    expect(ends).toEqual([]);
  });

  it('T14 RFC 3261 §9.1: a CANCEL without effect ends the call after 64*T1, and a late answer is released', async () => {
    const leg = call();
    wire.reply(only('INVITE'), 180);
    void leg.hangup();
    await clock.advance(31_999);
    expect(failures).toEqual([]);
    await clock.advance(1);
    expect(failures).toMatchObject([{ cause: 'cancelled', status: 487, local: true }]);
    await clock.advance(60_000);
    wire.reply(only('INVITE', 0), 200, { headers: [CONTACT] });
    wire.reply(only('INVITE', 0), 200, { headers: [CONTACT] });
    expect(wire.requests('ACK')).toHaveLength(2);
    expect(wire.requests('BYE')).toHaveLength(1);
    expect(failures).toHaveLength(1);
  });

  it('RFC 3261 §15: a BYE in an early dialog ends the call with a status that no response brought', () => {
    call();
    wire.reply(only('INVITE'), 180, { headers: [CONTACT] });
    const headers = [{ name: 'Reason', value: 'Q.850;cause=31' }];
    wire.receive(peerRequest('BYE', { callId: 'our-call', toTag: 'ours', headers }));
    expect(failures).toMatchObject([
      { cause: 'response', status: 487, local: true, reasonHeader: 'Q.850;cause=31' },
    ]);
  });

  it('T11 RFC 3261 §13.2.2.4: an answer after timer B is acknowledged and ended', async () => {
    call({ noResponseTimeoutMs: 60_000 });
    await clock.advance(40_000);
    wire.reply(only('INVITE', 0), 200, { headers: [CONTACT] });
    expect(wire.requests('ACK')).toHaveLength(1);
    expect(wire.requests('BYE')).toHaveLength(1);
    expect(failures).toMatchObject([{ cause: 'timeout' }]);
  });

  it('T08 RFC 3261 §17.1.2.2: an unanswered BYE is repeated up to every T2 for 32 s, the call ends at once', async () => {
    const leg = call();
    wire.reply(only('INVITE'), 200, { headers: [CONTACT] });
    let isOver = false;
    void leg.hangup().then(() => (isOver = true));
    expect(ends).toEqual([{ by: 'local', reasonHeader: null }]);
    await clock.advance(40_000);
    const times = wire.timesS((sent) => sent.kind === 'request' && sent.method === 'BYE');
    expect(times).toEqual([0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]);
    expect(isOver).toBe(true);
  });

  it('T36 RFC 3261 §12.2.2: requests of the far end must count upwards and be of a known dialog', () => {
    call();
    wire.reply(only('INVITE'), 200, { headers: [CONTACT] });
    const inDialog = { callId: 'our-call', toTag: 'ours' };
    wire.receive(peerRequest('INFO', { ...inDialog, cseq: 7 }));
    wire.receive(peerRequest('INFO', { ...inDialog, cseq: 6 }));
    wire.receive(peerRequest('INFO', { ...inDialog, cseq: 8, fromTag: 'stranger' }));
    expect([200, 500, 481].map((status) => wire.responses(status).length)).toEqual([1, 1, 1]);
  });

  it('T30 RFC 3261 §12.2.1.2: an in-dialog request answered 481 ends the call', async () => {
    const leg = call();
    wire.reply(only('INVITE'), 200, { headers: [CONTACT] });
    const sent = leg.info('application/dtmf-relay', 'Signal=1');
    wire.reply(only('INFO'), 481);
    expect(await sent).toEqual({ status: 481 });
    expect(ends).toEqual([{ by: 'timeout', reasonHeader: null }]);
  });

  it('T23 RFC 3311 §5.2: an offer in UPDATE after a 183 with the answer is decided, and holds when the call is answered', async () => {
    const leg = call();
    const offers: (string | null)[] = [];
    leg.onOffer = (sdp) => {
      offers.push(sdp);
      return { accept: true, sdp: 'v=0\r\ns=ours\r\n' };
    };
    const answers: (string | null)[] = [];
    leg.events.on('answered', ({ sdp }) => answers.push(sdp));
    const moved = 'v=0\r\ns=moved\r\n';
    wire.reply(only('INVITE'), 183, { headers: [CONTACT], body: 'v=0\r\n' });
    wire.receive(
      peerRequest('UPDATE', { callId: 'our-call', toTag: 'ours', cseq: 1, body: moved }),
    );
    await clock.advance(0);
    expect(offers).toEqual([moved]);
    expect(wire.responses(200).map(({ body }) => body)).toEqual(['v=0\r\ns=ours\r\n']);
    wire.reply(only('INVITE'), 200, { headers: [CONTACT], body: 'v=0\r\n' });
    // RFC 3261 §13.2.1: descriptions after the first answer are not looked at.
    expect(answers).toEqual([moved]);
  });

  it('T24 RFC 3261 §14.2: a re-INVITE before the final response is 491, although 183 held the answer', () => {
    call();
    wire.reply(only('INVITE'), 183, { headers: [CONTACT], body: 'v=0\r\n' });
    const inDialog = { callId: 'our-call', toTag: 'ours', cseq: 1, body: 'v=0\r\n' };
    wire.receive(peerRequest('INVITE', inDialog));
    expect(wire.responses(491)).toHaveLength(1);
  });

  it('RFC 3311 §5.2: a refused offer in an early dialog leaves the session as it was', async () => {
    const leg = call();
    const answers: (string | null)[] = [];
    leg.events.on('answered', ({ sdp }) => answers.push(sdp));
    wire.reply(only('INVITE'), 183, { headers: [CONTACT], body: 'v=0\r\n' });
    const update = { callId: 'our-call', toTag: 'ours', cseq: 1, body: 'v=0\r\ns=no\r\n' };
    wire.receive(peerRequest('UPDATE', update));
    await clock.advance(0);
    expect(wire.responses(488)).toHaveLength(1);
    wire.reply(only('INVITE'), 200, { headers: [CONTACT], body: 'v=0\r\n' });
    expect(answers).toEqual(['v=0\r\n']);
  });

  it('T23 RFC 3311 §5.2: of several early dialogs only the newest may move the session', () => {
    call();
    for (const toTag of ['one', 'two']) {
      wire.reply(only('INVITE'), 183, { headers: [CONTACT], toTag, body: 'v=0\r\n' });
    }
    const update = { callId: 'our-call', toTag: 'ours', cseq: 1, body: 'v=0\r\n' };
    wire.receive(peerRequest('UPDATE', { ...update, fromTag: 'one' }));
    expect(wire.responses(491)).toHaveLength(1);
  });

  it('T23 RFC 3311 §5.2: UPDATE before the answer is 200 without an offer, 491 with one', () => {
    call();
    wire.reply(only('INVITE'), 183, { headers: [CONTACT] });
    const inDialog = { callId: 'our-call', toTag: 'ours' };
    wire.receive(peerRequest('UPDATE', { ...inDialog, cseq: 1 }));
    wire.receive(peerRequest('UPDATE', { ...inDialog, cseq: 2, body: 'v=0\r\n' }));
    expect([200, 491].map((status) => wire.responses(status).length)).toEqual([1, 1]);
  });
});
