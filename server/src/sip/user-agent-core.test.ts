import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { ALLOW } from './leg-context.ts';
import type { DialogSnapshot } from './leg.ts';
import { makeResponse } from './make-response.ts';
import { getHeader, type SipMessage, type SipRequest } from './message.ts';
import { cseqOf, tagOf } from './message-fields.ts';
import { topVia } from './response-address.ts';
import { MemoryWire, PEER, peerRequest } from './testing/memory-wire.ts';

/** Repeatable numbers below a bound. */
function sequence(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
}

describe('UserAgentCore', () => {
  let clock: FakeClock;
  let wire: MemoryWire;
  beforeEach(() => {
    clock = new FakeClock();
    wire = new MemoryWire(clock);
  });

  function answerTo(request: SipRequest): {
    status: number;
    header(name: string): string | undefined;
  } {
    wire.receive(request);
    const last = wire.sent.at(-1)?.message as SipMessage;
    const status = last.kind === 'response' ? last.status : 0;
    return { status, header: (name) => getHeader(last, name) };
  }

  it.each([
    ['§11.2: OPTIONS', peerRequest('OPTIONS'), 200, ['Allow', ALLOW]],
    ['§8.2.1: an unknown method', peerRequest('DANCE'), 405, ['Allow', ALLOW]],
    ['§8.2.1: REGISTER', peerRequest('REGISTER'), 405, ['Allow', ALLOW]],
    [
      '§8.2.2.3: an extension that is required',
      peerRequest('INVITE', { headers: [{ name: 'Require', value: 'foo' }] }),
      420,
      ['Unsupported', 'foo'],
    ],
    ['§12.2.2: BYE of no dialog', peerRequest('BYE'), 481, []],
    ['§12.2.2: an unknown To tag', peerRequest('INVITE', { toTag: 'nobody' }), 481, []],
    ['§9.2: CANCEL of nothing', peerRequest('CANCEL'), 481, []],
    [
      '§16.3: no hops left',
      peerRequest('INVITE', { headers: [{ name: 'Max-Forwards', value: '0' }] }),
      483,
      [],
    ],
    ['§8.2.2.1: a scheme of others', peerRequest('INVITE', { uri: 'http:x' }), 416, []],
  ] as const)('T15 RFC 3261 %s', (_what, request, status, [name, value]) => {
    const answer = answerTo(request);
    expect(answer.status).toBe(status);
    if (name !== undefined) expect(answer.header(name)).toBe(value);
    expect(answer.header('Server')).toBe('under-test');
    expect(tagOf(wire.sent.at(-1)?.message as SipMessage, 'To')).not.toBeNull();
  });

  it('T15 RFC 3261 §8.2.3: a body that is no SDP gets 415 with what is taken', () => {
    const request = peerRequest('INVITE', { body: 'x' });
    request.headers = request.headers.filter(({ name }) => name !== 'Content-Type');
    request.headers.push({ name: 'Content-Type', value: 'text/plain' });
    const answer = answerTo(request);
    expect([answer.status, answer.header('Accept')]).toEqual([415, 'application/sdp']);
  });

  it('T15 RFC 3261 §8.2.2.2: the same request by another way gets 482', () => {
    wire.receive(peerRequest('INVITE', { branch: 'z9hG4bK-one' }));
    expect(answerTo(peerRequest('INVITE', { branch: 'z9hG4bK-two' })).status).toBe(482);
    expect(wire.core.legs.size).toBe(1);
  });

  it('RFC 3261 §17.2.3: requests with branches of RFC 2543 are matched by their fields', () => {
    for (let i = 0; i < 3; i++) wire.receive(peerRequest('INVITE', { branch: '1' }));
    expect(wire.core.legs.size).toBe(1);
    const [leg] = wire.core.legs;
    void leg?.hangup({ status: 480 });
    const toTag = tagOf(wire.responses(480)[0] as SipMessage, 'To') ?? '';
    wire.receive(peerRequest('ACK', { branch: '1', toTag }));
    expect(wire.core.counters.strayReceived).toBe(0);
  });

  it('T09 RFC 3261 §17.2.2: a repeated request gets the same response until timer J', async () => {
    wire.receive(peerRequest('OPTIONS'));
    wire.receive(peerRequest('OPTIONS'));
    const [first, second] = wire.responses(200);
    expect(second).toEqual(first);
    await clock.advance(32_000);
    expect(clock.pendingCount).toBe(0);
  });

  it('T33 T50 draining answers OPTIONS and new calls with 503', () => {
    wire.core.draining = true;
    expect(answerTo(peerRequest('OPTIONS')).status).toBe(503);
    const answer = answerTo(peerRequest('INVITE'));
    expect([answer.status, answer.header('Retry-After')]).toEqual([503, '30']);
    expect(wire.core.legs.size).toBe(0);
  });

  it('T33 a stranger whom the screen drops hears nothing, whatever he sends', () => {
    wire.core.screen = () => 'drop';
    for (const method of ['INVITE', 'OPTIONS', 'CANCEL', 'BYE', 'REGISTER', 'ACK']) {
      wire.receive(peerRequest(method));
    }
    wire.receive(peerRequest('INVITE', { toTag: 'guess', cseq: 9 }));
    wire.receive(peerRequest('INVITE', { uri: 'http:x', cseq: 10 }));
    expect(wire.sent).toEqual([]);
    expect(clock.pendingCount).toBe(0);
  });

  it('what belongs to nothing is counted and not answered', () => {
    wire.receive(peerRequest('ACK', { toTag: 'nobody' }));
    wire.reply(peerRequest('INVITE', { branch: 'z9hG4bK-unknown' }), 200);
    wire.reply(peerRequest('OPTIONS', { branch: 'z9hG4bK-unknown' }), 200);
    const broken = peerRequest('OPTIONS');
    broken.headers = broken.headers.filter(({ name }) => name !== 'Call-ID');
    expect(answerTo(broken).status).toBe(400);
    expect(wire.core.counters).toMatchObject({
      requestsReceived: 2,
      responsesReceived: 2,
      strayReceived: 3,
      malformedReceived: 1,
    });
    expect(wire.sent).toHaveLength(1);
  });

  it('RFC 3261 §8.1.3.1: a request outside dialogs resolves with its answer, or a 408 made here', async () => {
    const ask = () =>
      wire.core.request({
        method: 'OPTIONS',
        requestUri: 'sip:192.0.2.9',
        nextHop: PEER,
        from: 'sip:us@192.0.2.1',
        to: 'sip:192.0.2.9',
      });
    const answered = ask();
    wire.reply(wire.requests('OPTIONS')[0] as SipRequest, 404);
    expect(await answered).toMatchObject({ status: 404 });
    const silent = ask();
    await clock.advance(32_000);
    expect(await silent).toMatchObject({ status: 408 });
    wire.refused.add('udp');
    expect(await ask()).toMatchObject({ status: 503 });
  });

  it('T01 nothing that the far end writes makes it throw', async () => {
    const random = sequence(20_261_121);
    const garbage = [
      '',
      '<',
      ';tag=',
      '<sip:;lr>',
      'sip:@',
      '1 X',
      '\u0000',
      ',',
      '<tel:+1>;tag=x',
      '%',
    ];
    wire.core.events.on('invite', (leg) => {
      leg.onOffer = () => ({ accept: true, sdp: 'v=0\r\n' });
      if (random(2) === 0) leg.answer('v=0\r\n');
      else leg.ring(183);
    });
    const methods = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'UPDATE', 'INFO', 'OPTIONS', 'X'];
    for (let i = 0; i < 3000; i++) {
      const told = wire.sent.map(({ message }) => message).findLast((one) => tagOf(one, 'To'));
      const request = peerRequest(methods[random(methods.length)] ?? '', {
        branch: `z9hG4bK-${random(50)}`,
        callId: `call-${random(20)}`,
        cseq: random(9),
        ...(random(2) === 0 ? { toTag: (told && tagOf(told, 'To')) ?? '' } : {}),
        ...(random(3) === 0 ? { body: 'v=0\r\n' } : {}),
      });
      const header = request.headers[random(request.headers.length)];
      if (header && random(3) === 0) header.value = garbage[random(garbage.length)] ?? '';
      const ours = wire.sent
        .map(({ message }) => message)
        .findLast((one) => one.kind === 'request');
      // Not through the parser: a message that got past it must not hurt either.
      wire.core.receive(request, PEER);
      if (ours?.kind === 'request' && random(4) === 0) {
        const response = makeResponse(ours, [100, 180, 200, 401, 481, 491, 600][random(7)] ?? 200);
        const field = response.headers[random(response.headers.length)];
        if (field && random(2) === 0) field.value = garbage[random(garbage.length)] ?? '';
        wire.core.receive(response, PEER);
      }
      wire.sent.splice(0, Math.max(0, wire.sent.length - 50));
    }
    expect(wire.core.counters.requestsReceived).toBe(3000);
    await clock.advance(500_000);
    expect(wire.core.counters.malformedReceived).toBeGreaterThan(100);
  });

  describe('release', () => {
    const snapshot: DialogSnapshot = {
      state: 'confirmed',
      direction: 'outbound',
      sipCallId: 'dead-call',
      localTag: 'dead',
      remoteTag: 'peer',
      localUri: 'sip:alice@192.0.2.1',
      remoteUri: 'sip:bob@192.0.2.9',
      requestUri: 'sip:bob@192.0.2.9',
      remoteTarget: 'sip:bob@192.0.2.9:5062',
      routeSet: ['<sip:192.0.2.8;lr>'],
      localCseq: 4,
      inviteCseq: 2,
      inviteBranch: 'z9hG4bK-dead',
      nextHop: PEER,
    };

    it('T50 sends BYE with the next CSeq into a confirmed dialog, far beyond it where that is too low', async () => {
      const released = wire.core.release(snapshot);
      const [bye] = wire.requests('BYE') as [SipRequest];
      expect(bye.uri).toBe('sip:bob@192.0.2.9:5062');
      expect(getHeader(bye, 'Route')).toBe('<sip:192.0.2.8;lr>');
      expect([tagOf(bye, 'From'), tagOf(bye, 'To')]).toEqual(['dead', 'peer']);
      expect(cseqOf(bye).sequence).toBe(5);
      wire.reply(bye, 500);
      await clock.advance(1);
      const again = wire.requests('BYE')[1] as SipRequest;
      expect(cseqOf(again).sequence).toBeGreaterThan(1000);
      wire.reply(again, 200);
      expect(await released).toMatchObject({ status: 200 });
    });

    it('T50 sends CANCEL with the stored branch and acknowledges the 487', async () => {
      const released = wire.core.release({ ...snapshot, state: 'proceeding', remoteTag: null });
      const [cancel] = wire.requests('CANCEL') as [SipRequest];
      expect(topVia(cancel)?.branch).toBe('z9hG4bK-dead');
      expect(getHeader(cancel, 'CSeq')).toBe('2 CANCEL');
      wire.reply(cancel, 200);
      const invite = { ...cancel, method: 'INVITE' };
      invite.headers = cancel.headers.map((header) =>
        header.name === 'CSeq' ? { name: 'CSeq', value: '2 INVITE' } : header,
      );
      wire.reply(invite, 487);
      expect(await released).toEqual({ status: 487 });
      expect(wire.requests('ACK')).toHaveLength(1);
      // The far end was answered meanwhile by another fork: nobody is left on the line.
      wire.reply(invite, 200, { toTag: 'late' });
      expect(wire.requests('BYE').map((bye) => tagOf(bye, 'To'))).toEqual(['late']);
    });

    it('resolves with 408 when nobody answers', async () => {
      const released = wire.core.release({ ...snapshot, state: 'calling', remoteTag: null });
      await clock.advance(33_000);
      expect(await released).toEqual({ status: 408 });
    });
  });

  it('close releases what lives and leaves no timer', async () => {
    wire.core.invite({
      requestUri: 'sip:bob@192.0.2.9',
      nextHop: PEER,
      sipCallId: 'a',
      localTag: 'a',
      branch: 'z9hG4bK-a',
      from: { uri: 'sip:alice@192.0.2.1' },
      to: { uri: 'sip:bob@192.0.2.9' },
      sdp: 'v=0\r\n',
    });
    wire.receive(peerRequest('INVITE'));
    await Promise.all([wire.core.close(), wire.core.close()]);
    expect(wire.requests('CANCEL')).toHaveLength(1);
    expect(wire.responses(503)).toHaveLength(1);
    expect(wire.core.legs.size).toBe(0);
    expect(clock.pendingCount).toBe(0);
  });
});
