import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as attempts from '../db/queries/attempts.ts';
import * as calls from '../db/queries/calls.ts';
import * as nodes from '../db/queries/nodes.ts';
import { buildOffer } from '../sdp/offer-answer.ts';
import { systemClock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import type { Leg } from '../sip/leg.ts';
import { startUserAgent, type UserAgent } from '../sip/user-agent.ts';
import { startReaper, type Reaper } from './reaper.ts';
import { FROM, openCallLab, TO, type CallLab, type LabNode } from './testing/call-lab.ts';
import { onlyRing, pickUp, startCallee, type ScriptedCallee } from './testing/scripted-callee.ts';

let lab: CallLab;
let callee: ScriptedCallee;
let dead: UserAgent;
let node: LabNode;
let reaper: Reaper;
let trunkId: string;

beforeEach(async () => {
  lab = await openCallLab();
  callee = await startCallee();
  trunkId = await lab.trunk([callee.ua.port]);
  node = await lab.node({ carriesCalls: false });
  reaper = startReaper(node.context, 5_000);
  // What is left of a node that was killed: its sockets say nothing any more.
  dead = await startUserAgent({
    host: '127.0.0.1',
    port: 0,
    userAgent: 'dead',
    clock: systemClock,
    logger: silentLogger,
    t1Ms: 50,
  });
  await nodes.register(lab.db.pool, 'node_dead');
  await lab.db.pool.query(
    `update nodes set seen_at = now() - interval '1 minute' where id = 'node_dead'`,
  );
});
afterEach(async () => {
  await reaper.close();
  await lab.close();
  await callee.close();
  await dead.close();
});

/** A call as the dead node left it. */
async function leftBehind(
  status: 'initiated' | 'in-progress',
  leg: Leg,
  answeredAt = new Date(),
): Promise<string> {
  const call = await calls.insert(lab.db.pool, {
    id: newId('call', systemClock.now()),
    workspaceId: lab.workspaceId,
    direction: 'outbound',
    agentId: lab.agentId,
    trunkId,
    fromNumber: FROM,
    toNumber: TO,
    status,
    nodeId: 'node_dead',
    ...(status === 'in-progress' && { answeredAt, sipCode: 200, sipReason: 'OK' }),
  });
  const attempt = await attempts.insertDialing(lab.db.pool, {
    id: newId('attempt', systemClock.now()),
    workspaceId: lab.workspaceId,
    callId: call.id,
    sequence: 1,
    gatewayId: null,
    gateway: 'lab',
    sipCallId: leg.sipCallId,
    nodeId: 'node_dead',
  });
  await attempts.setDialog(lab.db.pool, attempt.id, leg.snapshot(), status === 'in-progress');
  return call.id;
}

function dial(from: UserAgent): Leg {
  const nextHop = { host: '127.0.0.1', port: callee.ua.port, transport: 'udp' } as const;
  return from.invite({
    requestUri: `sip:${TO}@127.0.0.1:${callee.ua.port}`,
    nextHop,
    sipCallId: 'left-behind',
    localTag: 'lefttag',
    branch: 'z9hG4bKleftbehind',
    from: { uri: `sip:${FROM}@127.0.0.1` },
    to: { uri: `sip:${TO}@127.0.0.1` },
    sdp: buildOffer({
      host: '127.0.0.1',
      port: 42_000,
      codecs: ['PCMU'],
      direction: 'sendrecv',
      sessionId: 1,
      sessionVersion: 1,
    }),
  });
}

describe('the reaper', () => {
  it('T50 ends an answered call of a dead node, hangs its far end up, and never dials again', async () => {
    const hungUp = new Promise((resolve) => {
      callee.script = (leg) => {
        leg.events.on('ended', ({ by }) => resolve(by));
        pickUp(leg);
      };
    });
    const leg = dial(dead);
    await new Promise((resolve) => leg.events.on('answered', resolve));
    const callId = await leftBehind('in-progress', leg);
    await reaper.sweep();
    expect(await hungUp).toBe('remote');
    expect(await lab.reached(callId)).toEqual({
      status: 'error',
      end_reason: 'node-lost',
      ended_by: 'system',
      sip: { code: 200, reason: 'OK' },
    });
    expect(await lab.attempts(callId)).toMatchObject([{ state: 'interrupted' }]);
    await reaper.sweep();
    expect(callee.legs).toHaveLength(1);
    expect(await nodes.listDead(lab.db.pool, 5_000)).toEqual([]);
  });

  it('counts an answered call up to the last sign of life of its node, not to its own look', async () => {
    callee.script = pickUp;
    const leg = dial(dead);
    await new Promise((resolve) => leg.events.on('answered', resolve));
    const { rows } = await lab.db.pool.query<{ seenAt: Date }>(
      `update nodes set seen_at = now() - interval '3 hours' where id = 'node_dead'
       returning seen_at as "seenAt"`,
    );
    const seenMs = rows[0]?.seenAt.getTime() ?? 0;
    const callId = await leftBehind('in-progress', leg, new Date(seenMs - 5_000));
    const young = await leftBehind('in-progress', leg, new Date(seenMs + 400));
    await reaper.sweep();
    expect(await lab.call(callId)).toMatchObject({
      disconnectedAt: new Date(seenMs),
      durationMs: 5_000,
    });
    // It was answered after the last heartbeat.
    expect(await lab.call(young)).toMatchObject({
      disconnectedAt: new Date(seenMs + 400),
      durationMs: 0,
    });
    expect((await lab.call(callId)).endedAt?.getTime()).toBeGreaterThan(seenMs + 10_000_000);
  });

  it('T50 RFC 3261 §9.1: cancels a phone that a dead node let ring', async () => {
    const stopped = new Promise((resolve) => {
      callee.script = (leg) => {
        leg.events.on('failed', ({ cause }) => resolve(cause));
        onlyRing(leg);
      };
    });
    // RFC 3261 §17.2.3: a CANCEL matches by host and port too, as after a restart on one machine.
    const leg = dial(node.ua);
    await new Promise((resolve) => leg.events.on('provisional', resolve));
    const callId = await leftBehind('initiated', leg);
    await reaper.sweep();
    expect(await stopped).toBe('cancelled');
    expect(await lab.reached(callId)).toMatchObject({ status: 'error', end_reason: 'node-lost' });
    expect(callee.legs).toHaveLength(1);
  });

  it('leaves the calls of living nodes alone', async () => {
    const call = await calls.insert(lab.db.pool, {
      id: newId('call', systemClock.now()),
      workspaceId: lab.workspaceId,
      direction: 'outbound',
      fromNumber: FROM,
      toNumber: TO,
      status: 'in-progress',
      nodeId: node.nodeId,
    });
    await reaper.sweep();
    expect((await lab.call(call.id)).status).toBe('in-progress');
  });

  it('leaves its own calls alone after an outage that outlived its lease', async () => {
    // The others here wait for longer, or not at all: only the node that is back may settle it.
    await reaper.close();
    await nodes.register(lab.db.pool, 'node_back');
    const call = await calls.insert(lab.db.pool, {
      id: newId('call', systemClock.now()),
      workspaceId: lab.workspaceId,
      direction: 'outbound',
      fromNumber: FROM,
      toNumber: TO,
      status: 'in-progress',
      nodeId: 'node_back',
    });
    await lab.db.pool.query(
      `update nodes set seen_at = now() - interval '10 seconds' where id = 'node_back'`,
    );
    const back = startReaper({ ...node.context, nodeId: 'node_back' }, 5_000);
    await back.sweep();
    await back.close();
    expect((await lab.call(call.id)).status).toBe('in-progress');
    expect(await nodes.listDead(lab.db.pool, 5_000)).not.toContainEqual(
      expect.objectContaining({ id: 'node_back' }),
    );
  });

  it('gives the costs of a disconnected call another job', async () => {
    const call = await calls.insert(lab.db.pool, {
      id: newId('call', systemClock.now()),
      workspaceId: lab.workspaceId,
      direction: 'outbound',
      fromNumber: FROM,
      toNumber: TO,
      status: 'call-disconnected',
      endReason: 'callee-hangup',
      endedBy: 'callee',
      nodeId: 'node_dead',
      answeredAt: new Date(),
      disconnectedAt: new Date(),
    });
    await reaper.sweep();
    expect(await lab.reached(call.id)).toMatchObject({
      status: 'completed',
      end_reason: 'callee-hangup',
    });
  });

  it('queues a scheduled call when its time has come, and it is dialled', async () => {
    const working = await lab.node();
    const { call } = await working.service.place({
      workspaceId: lab.workspaceId,
      to: TO,
      scheduledAt: new Date(systemClock.now() + 300),
    });
    expect(call.status).toBe('scheduled');
    await lab.reached(call.id, new Set(['in-progress']));
    await working.service.hangup(lab.workspaceId, call.id);
    expect(await lab.reached(call.id)).toMatchObject({ status: 'stopped', ended_by: 'api' });
  });
});
