import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildOffer } from '../sdp/offer-answer.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import type { InboundLeg, Leg, LegFailure } from '../sip/leg.ts';
import { startUserAgent, type UserAgent } from '../sip/user-agent.ts';
import { FINAL_STATUSES, type CallStatus } from './call-status.ts';
import { answerInbound } from './inbound.ts';
import { AGENT_CONFIG, FROM, openCallLab, type CallLab, type LabNode } from './testing/call-lab.ts';
import { RawPeer } from './testing/raw-peer.ts';

const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 41000 RTP/AVP 8',
  '',
].join('\r\n');

let lab: CallLab;
let caller: UserAgent;
let node: LabNode;
let dialled = 0;

beforeEach(async () => {
  lab = await openCallLab();
  caller = await startUserAgent({
    host: '127.0.0.1',
    port: 0,
    userAgent: 'caller',
    clock: systemClock,
    logger: silentLogger,
    t1Ms: 50,
  });
});
afterEach(async () => {
  await caller.close();
  await lab.close();
});

function dial(
  number = FROM,
  sdp?: string,
  credentials?: { username: string; password: string },
): Leg {
  dialled++;
  return caller.invite({
    requestUri: `sip:${number}@127.0.0.1:${node.ua.port}`,
    nextHop: { host: '127.0.0.1', port: node.ua.port, transport: 'udp' },
    sipCallId: `inbound-${dialled}-${caller.port}`,
    localTag: `tag${dialled}`,
    branch: `z9hG4bKinbound${dialled}`,
    from: { uri: 'sip:+14155552671@caller.example' },
    to: { uri: `sip:${number}@127.0.0.1` },
    ...(credentials && { credentials }),
    sdp:
      sdp ??
      buildOffer({
        host: '127.0.0.1',
        port: 41_000,
        codecs: ['PCMA'],
        direction: 'sendrecv',
        sessionId: 1,
        sessionVersion: 1,
      }),
  });
}

function answered(leg: Leg): Promise<string | null> {
  return new Promise((resolve) => leg.events.on('answered', ({ sdp }) => resolve(sdp)));
}

function failed(leg: Leg): Promise<LegFailure> {
  return new Promise((resolve) => leg.events.on('failed', resolve));
}

/** The next call that is over, asked for before it is made. */
async function nextCall(): Promise<string> {
  for await (const event of lab.feed.subscribe({ workspaceId: lab.workspaceId })) {
    const { status } = event.data as { status?: CallStatus };
    if (status !== undefined && FINAL_STATUSES.has(status)) return event.callId;
  }
  throw new Error('the feed was closed');
}

async function onlyCall(): Promise<string> {
  const inbound = async () =>
    (await node.service.list(lab.workspaceId, { direction: 'inbound' })).data;
  // A refusal is stored after it was sent.
  await expect.poll(inbound).toHaveLength(1);
  return (await inbound())[0]?.id ?? '';
}

describe('an inbound call', () => {
  it('is answered by the number’s agent, once that is ready', async () => {
    await lab.trunk([5060]);
    node = await lab.node();
    const leg = dial();
    const sdp = await answered(leg);
    expect(sdp).toContain(`m=audio ${node.voice.calls[0]?.rtpPort} RTP/AVP 8`);
    const callId = await onlyCall();
    await lab.reached(callId, new Set(['in-progress']));
    expect(node.voice.calls[0]?.opened).toMatchObject({ callId, direction: 'inbound' });
    expect(node.voice.calls[0]?.audio).toMatchObject([{ codec: 'PCMA', remotePort: 41_000 }]);
    void leg.hangup();
    expect(await lab.reached(callId)).toEqual({
      status: 'completed',
      end_reason: 'caller-hangup',
      ended_by: 'caller',
      sip: { code: 200, reason: 'OK' },
    });
    expect(await lab.call(callId)).toMatchObject({
      direction: 'inbound',
      fromNumber: '+14155552671',
      toNumber: FROM,
      agentId: lab.agentId,
    });
    expect(await lab.attempts(callId)).toMatchObject([{ state: 'done' }]);
  });

  it('is ended by the agent with BYE', async () => {
    await lab.trunk([5060]);
    node = await lab.node();
    node.voice.onAnswered = (voice) =>
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    const leg = dial();
    const ended = new Promise((resolve) => leg.events.on('ended', ({ by }) => resolve(by)));
    expect(await ended).toBe('remote');
    expect(await lab.reached(await onlyCall())).toMatchObject({
      status: 'completed',
      end_reason: 'agent-goodbye',
      ended_by: 'agent',
    });
  });

  it('gets no answer at all from a source that no trunk names', async () => {
    await lab.trunk([]);
    node = await lab.node();
    const failure = await failed(dial());
    expect(failure.cause).toBe('timeout');
    expect(failure.provisionalSeen).toBe(false);
    expect((await node.service.list(lab.workspaceId)).data).toEqual([]);
  });

  it('T18 RFC 3261 §22: from anywhere is challenged where its trunk asks for a password', async () => {
    const trunkId = await lab.trunk([], {
      inboundAuthUsername: 'peer',
      inboundAuthPassword: 's3cret',
    });
    node = await lab.node();
    const right = dial(FROM, undefined, { username: 'peer', password: 's3cret' });
    await answered(right);
    await right.hangup();
    const [call] = (await node.service.list(lab.workspaceId)).data;
    expect(call).toMatchObject({ trunkId, direction: 'inbound' });
    const wrong = dial(FROM, undefined, { username: 'peer', password: 'guess' });
    expect(await failed(wrong)).toMatchObject({ status: 401 });
    expect(await failed(dial())).toMatchObject({ status: 401 });
    expect((await node.service.list(lab.workspaceId)).data).toHaveLength(1);
    // Another number of ours is nobody's business.
    expect(await failed(dial('+14155550000'))).toMatchObject({ cause: 'timeout' });
  });

  it('gets no answer any more after too many wrong passwords', async () => {
    await lab.trunk([], { inboundAuthUsername: 'peer', inboundAuthPassword: 's3cret' });
    node = await lab.node();
    const signIn = { username: 'peer', password: 'guess' };
    for (let i = 0; i < 5; i++) {
      expect(await failed(dial(FROM, undefined, signIn))).toMatchObject({ status: 401 });
    }
    expect(await failed(dial(FROM, undefined, signIn))).toMatchObject({ cause: 'timeout' });
  });

  it('to a number that is not ours gets 404 and is recorded with its trunk', async () => {
    const trunkId = await lab.trunk([5060]);
    node = await lab.node();
    const recorded = nextCall();
    expect(await failed(dial('+14155550000'))).toMatchObject({ status: 404 });
    const callId = await recorded;
    expect(await lab.call(callId)).toMatchObject({
      status: 'failed',
      endReason: 'invalid-number',
      sipCode: 404,
      fromNumber: '+14155552671',
      toNumber: '+14155550000',
      trunkId,
      agentId: null,
    });
    expect(await lab.attempts(callId)).toMatchObject([{ state: 'failed', sipCode: 404 }]);
  });

  it.each([
    ['that is switched off', { active: false }, 480, 'trunk-inactive'],
    ['that takes no calls', { inboundEnabled: false }, 480, 'trunk-inactive'],
    ['that knows only others', { allowedCallers: ['+14155550000'] }, 403, 'caller-not-allowed'],
  ])('over a trunk %s is refused and recorded', async (_what, input, status, endReason) => {
    await lab.trunk([5060], input);
    node = await lab.node();
    const recorded = nextCall();
    expect(await failed(dial())).toMatchObject({ status });
    expect(await lab.call(await recorded)).toMatchObject({ endReason, sipCode: status });
  });

  it('to a number that nobody answers gets 480 and is recorded', async () => {
    await lab.trunk([5060]);
    await lab.db.pool.query('update numbers set agent_id = null');
    node = await lab.node();
    const recorded = nextCall();
    expect(await failed(dial())).toMatchObject({ status: 480 });
    expect(await lab.call(await recorded)).toMatchObject({
      status: 'error',
      endReason: 'agent-not-ready',
      sipCode: 480,
    });
  });

  it.each([
    ['without a script', `update agents set config = '{"name": "mute", "type": "scripted"}'`],
    [
      'whose key cannot be opened',
      `update agents set secrets = '{"OPENAI_API_KEY": "s1.other.key.here"}'`,
    ],
  ])('to an agent %s gets 503, and takes no place', async (_what, breakAgent) => {
    await lab.trunk([5060]);
    await lab.db.pool.query(breakAgent);
    node = await lab.node({ maxCalls: 1 });
    for (let round = 0; round < 3; round++) {
      const recorded = nextCall();
      expect(await failed(dial())).toMatchObject({ status: 503, retryAfterS: 5 });
      expect(await lab.call(await recorded)).toMatchObject({
        status: 'error',
        endReason: 'agent-not-ready',
        sipCode: 503,
      });
    }
    await lab.db.pool.query(`update agents set config = $1, secrets = '{}'`, [
      JSON.stringify(AGENT_CONFIG),
    ]);
    const leg = dial();
    await answered(leg);
    await leg.hangup();
  });

  it('T30 RFC 3261 §15: that is hung up between 200 and ACK is canceled by the caller', async () => {
    await lab.trunk([5060]);
    node = await lab.node();
    const peer = await RawPeer.open(node.ua.port);
    try {
      peer.send(peer.request('INVITE', 1, { body: OFFER }));
      const ok = await peer.response(200);
      const callId = await onlyCall();
      await lab.reached(callId, new Set(['ringing']));
      peer.send(peer.request('BYE', 2, { to: ok.to }));
      expect(await lab.reached(callId)).toMatchObject({
        status: 'canceled',
        end_reason: 'caller-canceled',
        ended_by: 'caller',
      });
    } finally {
      peer.close();
    }
  });

  it('RFC 3261 §8.2.2.2: is taken again under its Call-ID with a higher CSeq, once', async () => {
    await lab.trunk([5060]);
    node = await lab.node();
    const peer = await RawPeer.open(node.ua.port);
    try {
      peer.send(peer.request('INVITE', 1, { body: OFFER.replace('AVP 8', 'AVP 18') }));
      const refused = await peer.response(488);
      peer.send(peer.request('ACK', 1, { to: refused.to }));
      peer.send(peer.request('INVITE', 2, { body: OFFER }));
      const ok = await peer.response(200);
      // The same request by another way: only the branch differs.
      peer.send(peer.request('INVITE', 2, { body: OFFER, branch: 'z9hG4bKother' }));
      await peer.response(482);
      peer.send(peer.request('ACK', 2, { to: ok.to, branch: 'z9hG4bKack' }));
      const inbound = async () =>
        (await node.service.list(lab.workspaceId, { direction: 'inbound' })).data;
      // The refusal was stored after it was sent.
      await expect.poll(inbound).toHaveLength(2);
      const taken = (await inbound()).find(({ status }) => status !== 'failed')?.id ?? '';
      await lab.reached(taken, new Set(['in-progress']));
      peer.send(peer.request('BYE', 3, { to: ok.to }));
      expect(await lab.reached(taken)).toMatchObject({ end_reason: 'caller-hangup' });
    } finally {
      peer.close();
    }
  });

  it('that the caller gives up before it was looked at is recorded', async () => {
    const trunkId = await lab.trunk([5060]);
    node = await lab.node({ carriesCalls: false });
    const recorded = nextCall();
    const { promise: taken, resolve: take } = Promise.withResolvers<InboundLeg>();
    node.ua.events.on('invite', take);
    const leg = dial();
    const inbound = await taken;
    const answering = answerInbound(node.context, inbound, [trunkId]);
    inbound.ring();
    await leg.hangup();
    await answering;
    expect(await lab.call(await recorded)).toMatchObject({
      status: 'canceled',
      endReason: 'caller-canceled',
      endedBy: 'caller',
      sipCode: 487,
    });
  });

  it('T16 over capacity gets 486 and is recorded', async () => {
    await lab.trunk([5060]);
    node = await lab.node({ maxCalls: 1 });
    const first = dial();
    await answered(first);
    const recorded = nextCall();
    expect(await failed(dial())).toMatchObject({ status: 486 });
    expect(await lab.reached(await recorded)).toEqual({
      status: 'failed',
      end_reason: 'no-capacity',
      ended_by: 'system',
      sip: { code: 486, reason: 'Busy Here' },
    });
    await first.hangup();
  });

  it('gets 503 when the agent cannot be made ready', async () => {
    await lab.trunk([5060]);
    node = await lab.node();
    node.voice.beforeOpen = () => Promise.reject(new Error('no key'));
    expect(await failed(dial())).toMatchObject({ status: 503, retryAfterS: 5 });
    expect(await lab.reached(await onlyCall())).toMatchObject({
      status: 'error',
      end_reason: 'agent-not-ready',
      sip: { code: 503 },
    });
  });

  it('gets 488 when there is no common codec', async () => {
    await lab.trunk([5060]);
    node = await lab.node();
    const sdp = [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'm=audio 41000 RTP/AVP 18',
      '',
    ].join('\r\n');
    expect(await failed(dial(FROM, sdp))).toMatchObject({ status: 488 });
    expect(await lab.reached(await onlyCall())).toMatchObject({
      status: 'failed',
      end_reason: 'media-incompatible',
      sip: { code: 488 },
    });
  });

  it('that the caller gives up while the agent is made ready is canceled by the caller', async () => {
    await lab.trunk([5060]);
    node = await lab.node();
    const { promise: opening, resolve: opened } = Promise.withResolvers<void>();
    const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>();
    node.voice.beforeOpen = () => {
      opened();
      return ready;
    };
    const leg = dial();
    await opening;
    await leg.hangup();
    becomeReady();
    expect(await lab.reached(await onlyCall())).toEqual({
      status: 'canceled',
      end_reason: 'caller-canceled',
      ended_by: 'caller',
      sip: { code: 487, reason: expect.any(String) as string },
    });
    await node.close();
    expect(node.voice.calls[0]?.closedCount).toBe(1);
  });
});
