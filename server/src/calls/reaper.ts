import { agentConfigSchema } from '../agents/agent-config.ts';
import * as agents from '../db/queries/agents.ts';
import * as attempts from '../db/queries/attempts.ts';
import * as calls from '../db/queries/calls.ts';
import * as nodes from '../db/queries/nodes.ts';
import type { TransactionClient } from '../db/database.ts';
import type { CallEvent } from '../events/call-event.ts';
import type { TimerHandle } from '../shared/clock.ts';
import type { DialogSnapshot } from '../sip/leg.ts';
import type { CallContext } from './call-context.ts';
import { callEnd } from './call-end.ts';
import { holdMoney } from './call-money.ts';
import { recordBalanceLow } from './place-call.ts';
import { recordStatus } from './record-status.ts';
import { releaseParked } from './waiting-line.ts';

/** Longer than the database outage that a node should survive: it cannot renew its lease then. */
export const NODE_LEASE_MS = 15_000;
const PERIOD_MS = 1_000;
/** A queued call that nobody has taken for so long gets its job again, should that be lost. */
const REQUEUE_AFTER_MS = 60_000;
const REQUEUE_EVERY_ROUNDS = 30;
const BATCH = 100;

/** Settles what dead nodes left behind, and queues scheduled calls whose time has come. */
export interface Reaper {
  /** One round at once; resolves when it is done. */
  sweep(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** @param leaseMs a node not seen for so long is dead. Default 15,000. */
export function startReaper(ctx: CallContext, leaseMs = NODE_LEASE_MS): Reaper {
  let closed = false;
  let timer: TimerHandle | null = null;
  let running: Promise<void> = Promise.resolve();

  let rounds = 0;

  async function round(): Promise<void> {
    try {
      // After an outage of the database our own lease is over although our calls live.
      if (!(await nodes.heartbeat(ctx.db.pool, ctx.nodeId))) return;
      await stopSettledCalls(ctx);
      await settleDeadNodes(ctx, leaseMs);
      await queueDueCalls(ctx);
      await releaseParked(ctx);
      if (++rounds % REQUEUE_EVERY_ROUNDS === 0) await requeueForgotten(ctx);
    } catch (error) {
      ctx.logger.warn({ err: error }, 'the reaper could not do its round');
    }
  }

  function sweep(): Promise<void> {
    running = running.then(round);
    return running;
  }

  function arm(): void {
    timer = ctx.clock.setTimer(PERIOD_MS, () => {
      void sweep().then(() => {
        if (!closed) arm();
      });
    });
  }

  arm();
  return {
    sweep,
    async close() {
      closed = true;
      timer?.cancel();
      await running;
    },
  };
}

/** Others took this node for dead and settled what it carries: its lines must not stay open. */
async function stopSettledCalls(ctx: CallContext): Promise<void> {
  if (ctx.live.size === 0) return;
  const over = await calls.listOver(ctx.db.pool, [...ctx.live.keys()]);
  for (const callId of over) {
    const live = ctx.live.get(callId);
    if (!live || live.cause !== null) continue;
    ctx.logger.error({ callId }, 'a call of this node was settled by another one and ends here');
    void live.stop({ type: 'node-lost' });
  }
}

/**
 * A call whose node died is never dialled again: its INVITE may have left. It gets its final
 * status, and its far end is released so that nobody is left on a silent line.
 */
async function settleDeadNodes(ctx: CallContext, leaseMs: number): Promise<void> {
  const { events, orphans } = await ctx.db.transaction(async (client) => {
    const dead = await calls.listUnfinishedOfDeadNodes(client, leaseMs, ctx.nodeId, BATCH);
    const settled: CallEvent[] = [];
    for (const call of dead) settled.push(...(await settleCall(ctx, client, call)));
    const left = await attempts.listOfDeadNodes(client, leaseMs, ctx.nodeId, BATCH);
    for (const attempt of left) await attempts.finish(client, attempt.id, 'interrupted');
    if (dead.length < BATCH && left.length < BATCH) await forgetDeadNodes(client, leaseMs);
    return { events: settled, orphans: left };
  });
  for (const event of events) ctx.feed.publish(event);
  for (const attempt of orphans) release(ctx, attempt);
}

async function settleCall(
  ctx: CallContext,
  client: TransactionClient,
  call: calls.UnfinishedCall,
): Promise<CallEvent[]> {
  if (call.status === 'call-disconnected') {
    // Its costs are a job of its own, which may have been given up.
    await ctx.jobs.send('call.post', { callId: call.id }, { client, singletonKey: call.id });
    await calls.update(client, call.id, { nodeId: ctx.nodeId });
    return [];
  }
  const answered = call.status === 'in-progress';
  const end = callEnd(
    { type: 'node-lost' },
    {
      direction: call.direction,
      answered,
      sip: call.sipCode === null ? null : { code: call.sipCode, reason: call.sipReason ?? '' },
    },
  );
  const recorded = await recordStatus(client, call.id, end.status, {
    endReason: end.endReason,
    endedBy: end.endedBy,
    sipCode: end.sipCode,
    sipReason: end.sipReason,
    endedAt: new Date(ctx.clock.now()),
    ...(answered && lineOf(call)),
  });
  if (!recorded) return [];
  ctx.logger.warn({ callId: call.id, nodeId: call.nodeId }, 'settled a call of a node that died');
  await ctx.jobs.send('call.post', { callId: call.id }, { client });
  return recorded.events;
}

/** The line is taken to have lasted as long as its node: nobody pays for an outage. */
function lineOf({ answeredAt, lastSignAt }: calls.UnfinishedCall): calls.CallPatch {
  const beganMs = answeredAt?.getTime() ?? lastSignAt.getTime();
  const durationMs = Math.max(0, lastSignAt.getTime() - beganMs);
  return { disconnectedAt: new Date(beganMs + durationMs), durationMs };
}

async function forgetDeadNodes(client: TransactionClient, leaseMs: number): Promise<void> {
  for (const node of await nodes.listDead(client, leaseMs)) await nodes.remove(client, node.id);
}

function release(ctx: CallContext, attempt: attempts.AttemptRow): void {
  if (attempt.dialog === null) return;
  ctx.ua.release(attempt.dialog as DialogSnapshot).then(
    ({ status }) =>
      ctx.logger.info({ callId: attempt.callId, status }, 'released the far end of a dead node'),
    (error: unknown) =>
      ctx.logger.warn({ err: error, callId: attempt.callId }, 'the far end was not released'),
  );
}

/** Queues calls that were put off, with the money that they reserve; who cannot pay is not called. */
async function queueDueCalls(ctx: CallContext): Promise<void> {
  for (;;) {
    const { queued, events } = await ctx.db.transaction(async (client) => {
      const now = new Date(ctx.clock.now());
      const due = await calls.listDue(client, now, BATCH);
      const made: CallEvent[] = [];
      for (const call of due) made.push(...(await queueDue(ctx, client, call, now)));
      return { queued: due.length, events: made };
    });
    for (const event of events) ctx.feed.publish(event);
    if (queued < BATCH || ctx.closing.aborted) return;
  }
}

async function queueDue(
  ctx: CallContext,
  client: TransactionClient,
  call: calls.CallRow,
  now: Date,
): Promise<CallEvent[]> {
  const agent =
    call.agentId === null ? null : await agents.get(client, call.workspaceId, call.agentId);
  // An agent that is gone or broken is told of when the call is dialled.
  const config = agentConfigSchema.safeParse(agent?.config).data ?? null;
  const held = await holdMoney(ctx, client, call, config);
  if (!held.ok) return (await recordBalanceLow(client, call.id, now.getTime())).events;
  const recorded = await recordStatus(client, call.id, 'queued', { queuedAt: now });
  if (!recorded) return [];
  await ctx.jobs.send('call.dial', { callId: call.id }, { client, singletonKey: call.id });
  return recorded.events;
}

/** A job that is delivered twice is harmless, so a queued call gets another in case its own is lost. */
async function requeueForgotten(ctx: CallContext): Promise<void> {
  const { rows } = await ctx.db.pool.query<{ id: string }>(
    `select id from calls where status = 'queued' and queued_at < $1 and parked_for is null
     order by queued_at limit $2`,
    [new Date(ctx.clock.now() - REQUEUE_AFTER_MS), BATCH],
  );
  for (const { id } of rows) {
    await ctx.jobs.send('call.dial', { callId: id }, { singletonKey: id });
  }
}
