import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { DigestVerifier } from './digest-server.ts';
import type { InboundLeg, LegEnd } from './leg.ts';
import { getHeader } from './message.ts';
import { topVia } from './response-address.ts';
import { FakePeer } from './testing/fake-peer.ts';
import {
  ANSWER,
  OFFER,
  connect,
  once,
  startTwoAgents,
  type TwoAgents,
} from './testing/two-agents.ts';
import { startUserAgent } from './user-agent.ts';

const PASSWORD = 's3cret';
const HOLD = 'v=0\r\ns=hold\r\n';

/** Answers some turns of the event loop later, so that answers and CANCELs meet everywhere. */
async function answerAfter(leg: InboundLeg, turnCount: number): Promise<void> {
  for (let turn = 0; turn < turnCount; turn++) await setImmediate();
  leg.answer(ANSWER);
}

describe('calls between user agents on loopback', () => {
  let agents: TwoAgents;
  beforeEach(async () => {
    agents = await startTwoAgents({ t1Ms: 100 });
  });
  afterEach(() => agents.close());

  function protect(status: 401 | 407): { challengeCount: number } {
    const verifier = new DigestVerifier({ realm: 'test', clock: systemClock });
    const seen = { challengeCount: 0 };
    agents.callee.events.on('invite', (leg) => {
      const field = status === 401 ? 'Authorization' : 'Proxy-Authorization';
      const { result } = verifier.verify({
        authorization: getHeader(leg.request, field),
        method: 'INVITE',
        uri: leg.request.uri,
        lookup: () => ({ password: PASSWORD }),
      });
      if (result === 'ok') {
        leg.answer(ANSWER);
        return;
      }
      seen.challengeCount++;
      const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
      leg.reject(
        status,
        undefined,
        verifier.challenges(result === 'stale').map((value) => ({ name, value })),
      );
    });
    return seen;
  }

  it.each([401, 407] as const)(
    'T17 T18 RFC 3261 §22: a %i is answered and verified',
    async (status) => {
      const seen = protect(status);
      const leg = agents.caller.invite(
        agents.call({ credentials: { username: 'alice', password: PASSWORD } }),
      );
      expect(await once(leg, 'answered')).toEqual({ sdp: ANSWER });
      expect(seen.challengeCount).toBe(1);
      await leg.hangup();
    },
  );

  it('RFC 3261 §18.4: a call to a port where nobody listens fails with the second INVITE', async () => {
    await agents.callee.close();
    const startedAtMs = performance.now();
    const leg = agents.caller.invite(agents.call());
    expect(await once(leg, 'failed')).toMatchObject({
      cause: 'transport',
      status: 503,
      local: true,
    });
    // Timer B would have been 6.4 s.
    expect(performance.now() - startedAtMs).toBeLessThan(6000);
    expect(agents.caller.counters.retransmissionsSent).toBeLessThanOrEqual(2);
  });

  it('T17 RFC 3261 §22.2: a wrong password gets exactly one try', async () => {
    const seen = protect(407);
    const leg = agents.caller.invite(
      agents.call({ credentials: { username: 'alice', password: 'wrong' } }),
    );
    expect(await once(leg, 'failed')).toMatchObject({ cause: 'response', status: 407 });
    expect(seen.challengeCount).toBe(2);
  });

  it('T21 RFC 3264 §8.4: hold and resume by re-INVITE, from both sides', async () => {
    const { outbound, inbound } = await connect(agents);
    const offers: (string | null)[] = [];
    inbound.onOffer = (sdp) => {
      offers.push(sdp);
      return Promise.resolve({ accept: true, sdp: ANSWER });
    };
    outbound.onOffer = () => ({ accept: false, status: 488, reason: 'Not Now' });
    expect(await outbound.reinvite(HOLD)).toEqual({ status: 200, reason: 'OK', sdp: ANSWER });
    expect(await outbound.reinvite(OFFER)).toMatchObject({ status: 200 });
    expect(offers).toEqual([HOLD, OFFER]);
    expect(await inbound.reinvite(HOLD)).toEqual({ status: 488, reason: 'Not Now', sdp: null });
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
  });

  it('T30 RFC 3261 §15: BYEs that cross are both answered 200, and each side ends once', async () => {
    for (let i = 0; i < 20; i++) {
      const { outbound, inbound } = await connect(agents);
      const ends: LegEnd[] = [];
      outbound.events.on('ended', (end) => ends.push(end));
      inbound.events.on('ended', (end) => ends.push(end));
      await Promise.all([outbound.hangup(), inbound.hangup()]);
      expect(ends.map(({ by }) => by)).toEqual(['local', 'local']);
    }
    expect(agents.caller.legs.size + agents.callee.legs.size).toBe(0);
  });

  it('T13 RFC 3261 §9.1: CANCEL races the answer 100 times and leaves no call', async () => {
    const inbound: InboundLeg[] = [];
    let turn = 0;
    agents.callee.events.on('invite', (leg) => {
      inbound.push(leg);
      leg.ring();
      void answerAfter(leg, turn++ % 7);
    });
    const calls = Array.from({ length: 100 }, async () => {
      const leg = agents.caller.invite(agents.call());
      let outcomes = 0;
      leg.events.on('failed', () => outcomes++);
      leg.events.on('ended', () => outcomes++);
      await once(leg, 'provisional');
      await leg.hangup();
      expect(outcomes).toBe(1);
    });
    await Promise.all(calls);
    await Promise.all(
      inbound.filter(({ state }) => state !== 'ended').map((leg) => once(leg, 'ended')),
    );
    expect(inbound).toHaveLength(100);
    expect(agents.caller.legs.size + agents.callee.legs.size).toBe(0);
  });

  it('T43 RFC 6086: INFO reaches the other side and is answered 200', async () => {
    const { outbound, inbound } = await connect(agents);
    const info = once(inbound, 'info');
    expect(await outbound.info('application/dtmf-relay', 'Signal=5\r\n')).toEqual({ status: 200 });
    expect(await info).toEqual({ contentType: 'application/dtmf-relay', body: 'Signal=5\r\n' });
  });

  it('T05 T04 RFC 3261 §18.1.1: a large INVITE arrives by TCP, its Contact stays reachable', async () => {
    const sdp = `v=0\r\n${'a=candidate\r\n'.repeat(120)}`;
    const { outbound, inbound } = await connect(agents, { sdp });
    expect(inbound.source.transport).toBe('tcp');
    expect(topVia(inbound.request)?.transport).toBe('TCP');
    const ended = once(outbound, 'ended');
    await inbound.hangup();
    expect((await ended).by).toBe('remote');
  });

  it('T50 release ends a call whose snapshot another process wrote', async () => {
    const { outbound, inbound } = await connect(agents);
    const successor = await startUserAgent({
      host: '127.0.0.1',
      port: 0,
      userAgent: 'successor',
      clock: systemClock,
      logger: silentLogger,
    });
    const ended = once(inbound, 'ended');
    expect(await successor.release(JSON.parse(JSON.stringify(outbound.snapshot())))).toMatchObject({
      status: 200,
    });
    expect(await ended).toMatchObject({ by: 'remote' });
    await successor.close();
  });

  it('close releases the calls of a user agent that goes away', async () => {
    const { inbound } = await connect(agents);
    const ended = once(inbound, 'ended');
    await agents.caller.close();
    expect((await ended).by).toBe('remote');
  });

  it('a port that is taken is told by code and number', async () => {
    const { port } = agents.caller;
    const options = { host: '127.0.0.1', userAgent: 'x', clock: systemClock, logger: silentLogger };
    const error: unknown = await startUserAgent({ ...options, port }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
    expect((error as Error).message).toContain(String(port));
  });
});

describe('a user agent against a raw peer', () => {
  it('T03 RFC 3581 §4: garbage is counted, and a real request after it is answered where it came from', async () => {
    const agents = await startTwoAgents();
    const peer = await FakePeer.bind();
    for (const bytes of ['\x00\x01\x02', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(3000)]) {
      peer.send(Buffer.from(bytes), agents.callee.port);
    }
    const sentBy = 'SIP/2.0/UDP 10.9.9.9:5999;branch=z9hG4bK-x;rport';
    peer.send(
      {
        kind: 'request',
        method: 'OPTIONS',
        uri: 'sip:us@127.0.0.1',
        headers: [
          { name: 'Via', value: sentBy },
          { name: 'From', value: '<sip:peer@127.0.0.1>;tag=1' },
          { name: 'To', value: '<sip:us@127.0.0.1>' },
          { name: 'Call-ID', value: 'x' },
          { name: 'CSeq', value: '1 OPTIONS' },
        ],
        body: '',
      },
      agents.callee.port,
    );
    const response = await peer.response(200);
    expect(topVia(response)).toMatchObject({ received: '127.0.0.1', rport: peer.address.port });
    expect(agents.callee.counters).toMatchObject({ garbageReceived: 3, requestsReceived: 1 });
    peer.close();
    await agents.close();
  });

  it('T12 RFC 3261 §13.2.2.4: over a socket, a forked answer is acknowledged and ended', async () => {
    const agents = await startTwoAgents();
    const peer = await FakePeer.bind();
    const leg = agents.caller.invite(
      agents.call({ nextHop: peer.address, requestUri: `sip:x@127.0.0.1:${peer.address.port}` }),
    );
    const invite = await peer.request('INVITE');
    const answered = once(leg, 'answered');
    peer.reply(invite, 200, { body: ANSWER });
    peer.reply(invite, 200, { toTag: 'fork', body: ANSWER });
    await answered;
    const bye = await peer.request('BYE');
    expect(getHeader(bye, 'To')).toContain('tag=fork');
    peer.reply(bye, 200);
    const over = leg.hangup();
    const ours = await peer.request('BYE');
    expect(getHeader(ours, 'To')).toContain('tag=fake-peer');
    peer.reply(ours, 200);
    await over;
    peer.close();
    await agents.close();
  });
});
