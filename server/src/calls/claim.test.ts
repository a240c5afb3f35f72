import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as calls from '../db/queries/calls.ts';
import type { Database } from '../db/database.ts';
import { dialCall } from './dialler.ts';
import { CallSlots } from './call-slots.ts';
import type { CallContext } from './call-context.ts';
import { placeCall } from './place-call.ts';
import { openCallLab, TO, type CallLab, type LabNode } from './testing/call-lab.ts';
import { onlyRing, startCallee, type ScriptedCallee } from './testing/scripted-callee.ts';

let lab: CallLab;
let callee: ScriptedCallee;
let nodes: [LabNode, LabNode];
const never = new AbortController().signal;

beforeEach(async () => {
  lab = await openCallLab();
  callee = await startCallee(onlyRing);
  await lab.trunk([callee.ua.port]);
  nodes = [await lab.node({ carriesCalls: false }), await lab.node({ carriesCalls: false })];
});
afterEach(async () => {
  await lab.close();
  await callee.close();
});

/** What a node dials with, on the lab's own services, without its job worker. */
function contextOf(node: LabNode, db: CallContext['db'] = lab.db): CallContext {
  return { ...node.context, db, slots: new CallSlots(5) };
}

async function queuedCall(): Promise<string> {
  const { call } = await placeCall(contextOf(nodes[0]), {
    workspaceId: lab.workspaceId,
    to: TO,
  });
  return call.id;
}

async function invited(count: number): Promise<void> {
  if (callee.legs.length >= count) return;
  await new Promise<void>((resolve) => {
    const off = callee.ua.events.on('invite', () => {
      if (callee.legs.length < count) return;
      off();
      resolve();
    });
  });
}

describe('claiming a call', () => {
  it('lets one INVITE leave when the job is delivered to two nodes at once, and again', async () => {
    const callId = await queuedCall();
    const contexts = nodes.map((node) => contextOf(node));
    await Promise.all(contexts.map((ctx) => dialCall(ctx, callId, never)));
    await Promise.all(contexts.map((ctx) => dialCall(ctx, callId, never)));
    await invited(1);
    for (const ctx of contexts) await ctx.live.get(callId)?.stop({ type: 'api-stop' });
    expect(await lab.reached(callId)).toMatchObject({ status: 'canceled', ended_by: 'api' });
    expect(callee.legs).toHaveLength(1);
    expect(await lab.attempts(callId)).toHaveLength(1);
    // The loser made an agent ready too, and let it go.
    const voices = nodes.flatMap((node) => node.voice.calls);
    expect(voices.every((voice) => voice.closedCount === 1)).toBe(true);
  });

  it('dials once when the answer of the commit is lost', async () => {
    const callId = await queuedCall();
    let lostCount = 0;
    const lossy: Pick<Database, 'pool' | 'transaction'> = {
      pool: lab.db.pool,
      async transaction(fn) {
        const result = await lab.db.transaction(fn);
        if (
          callee.legs.length === 0 &&
          (await lab.attempts(callId)).length === 1 &&
          lostCount < 2
        ) {
          lostCount++;
          throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
        }
        return result;
      },
    };
    const ctx = contextOf(nodes[0], lossy);
    await dialCall(ctx, callId, never);
    await invited(1);
    expect(lostCount).toBeGreaterThan(0);
    expect(await lab.attempts(callId)).toMatchObject([{ state: 'dialing', sequence: 1 }]);
    await ctx.live.get(callId)?.stop({ type: 'api-stop' });
    expect(callee.legs).toHaveLength(1);
    expect((await lab.call(callId)).status).toBe('canceled');
  });

  it('sends nothing when the call was canceled while the agent was made ready', async () => {
    const callId = await queuedCall();
    const [node] = nodes;
    node.voice.beforeOpen = async () => {
      expect(await node.service.hangup(lab.workspaceId, callId)).toMatchObject({
        outcome: 'canceled',
      });
    };
    const ctx = contextOf(node);
    await dialCall(ctx, callId, never);
    expect(callee.legs).toHaveLength(0);
    expect(await lab.attempts(callId)).toEqual([]);
    expect(node.voice.calls[0]?.closedCount).toBe(1);
    expect(ctx.slots.usedCount).toBe(0);
    expect(await lab.call(callId)).toMatchObject({
      status: 'canceled',
      endReason: 'canceled',
      endedBy: 'api',
      sipCode: null,
    });
  });

  it('sends nothing for a call that others have settled while the commit’s answer was lost', async () => {
    const callId = await queuedCall();
    let lost = false;
    const settled: Pick<Database, 'pool' | 'transaction'> = {
      pool: lab.db.pool,
      async transaction(fn) {
        const result = await lab.db.transaction(fn);
        if (!lost && (await lab.attempts(callId)).length === 1) {
          lost = true;
          await lab.db.pool.query(`update attempts set state = 'interrupted'`);
          await calls.transition(lab.db.pool, callId, ['initiated'], 'error', {
            endReason: 'node-lost',
          });
          throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
        }
        return result;
      },
    };
    await dialCall(contextOf(nodes[0], settled), callId, never);
    expect(lost).toBe(true);
    expect(callee.legs).toHaveLength(0);
    expect((await lab.call(callId)).status).toBe('error');
  });
});
