import * as calls from '../db/queries/calls.ts';
import { appendCallEvent } from '../events/event-log.ts';
import { gatewaysInOrder } from '../trunks/routing.ts';
import { attemptIdentity, type AttemptIdentity } from './attempt-identity.ts';
import type { CallContext } from './call-context.ts';
import { callEnd, type CallEndCause } from './call-end.ts';
import { zeroCost } from './call-cost.ts';
import { claimCall } from './claim.ts';
import { LiveCall } from './live-call.ts';
import { loadPlan } from './load-plan.ts';
import { recordStatus } from './record-status.ts';
import { runOutbound } from './outbound-call.ts';

/** A job that waited so long for a free slot goes back to the queue. */
const SLOT_WAIT_MS = 10_000;

/**
 * Does the job `call.dial`: waits for a free slot, makes the agent ready, commits the attempt, and
 * only then lets the INVITE leave. Resolves when the call is on its way (or is not ours to dial);
 * rejects when the job should be delivered again. Delivering it twice is harmless.
 * @param signal ends the waiting for a slot.
 */
export async function dialCall(
  ctx: CallContext,
  callId: string,
  signal: AbortSignal,
): Promise<void> {
  // The same job delivered again while this node is at it.
  if (ctx.live.has(callId)) return;
  const releaseSlot = await takeSlot(ctx, signal);
  let running = false;
  try {
    const call = await calls.get(ctx.db.pool, callId);
    if (call?.status !== 'queued' || ctx.live.has(callId)) return;
    const live = await prepare(ctx, call);
    if (!live) return;
    running = true;
    void live.done.finally(() => {
      ctx.live.delete(callId);
      releaseSlot();
    });
    await launch(ctx, live);
  } finally {
    if (!running) releaseSlot();
  }
}

/** Waits for a while only: another node may have a free slot. */
async function takeSlot(ctx: CallContext, signal: AbortSignal): Promise<() => void> {
  const limit = new AbortController();
  const timer = ctx.clock.setTimer(SLOT_WAIT_MS, () =>
    limit.abort(new Error('every call slot of this node is taken')),
  );
  try {
    return await ctx.slots.take(AbortSignal.any([signal, limit.signal, ctx.closing]));
  } finally {
    timer.cancel();
  }
}

/** The call with its agent ready to speak; null when it ended here. */
async function prepare(ctx: CallContext, call: calls.CallRow): Promise<LiveCall | null> {
  let plan: Awaited<ReturnType<typeof loadPlan>>;
  try {
    plan = await loadPlan(ctx, call);
  } catch (error) {
    await refuse(ctx, call, { type: 'agent-not-ready' }, error);
    return null;
  }
  if (typeof plan === 'string') {
    await refuse(ctx, call, { type: plan }, null);
    return null;
  }
  const live = new LiveCall(ctx, plan);
  ctx.live.set(call.id, live);
  try {
    await live.openVoice();
    return live;
  } catch (error) {
    ctx.live.delete(call.id);
    // A node that is ending refuses everything; the job goes to another one.
    if (ctx.closing.aborted) throw error;
    await refuse(ctx, call, { type: 'agent-not-ready' }, error);
    return null;
  }
}

/** Commits the first attempt, then runs the call in the background. */
async function launch(ctx: CallContext, live: LiveCall): Promise<void> {
  if (live.cause) {
    // The node shuts down, or the worker died: nothing was committed, so another may dial.
    await live.discard();
    throw new Error(`not dialled here: ${live.cause.type}`);
  }
  const { call, trunk } = live.plan;
  const identities = gatewaysInOrder(trunk.gateways).map((gateway) =>
    attemptIdentity({
      nowMs: ctx.clock.now(),
      trunk,
      gateway,
      fromNumber: call.fromNumber,
      toNumber: call.toNumber,
      localHost: ctx.localHost,
    }),
  );
  const [first] = identities as [AttemptIdentity, ...AttemptIdentity[]];
  let ours = false;
  try {
    ours = await claimCall(ctx, call, first);
  } finally {
    if (!ours) await live.discard();
  }
  if (!ours) return;
  void runOutbound(ctx, live, identities).catch((error: unknown) => {
    ctx.logger.error({ err: error, callId: call.id }, 'a call ended by a mistake of ours');
    void live.stop({ type: 'platform-error' });
    void live.finish();
  });
}

/** Ends a queued call that cannot be dialled. */
async function refuse(
  ctx: CallContext,
  call: calls.CallRow,
  cause: CallEndCause,
  error: unknown,
): Promise<void> {
  const end = callEnd(cause, { direction: call.direction, answered: false, sip: null });
  const message = error instanceof Error ? error.message : null;
  const events = await ctx.db.transaction(async (client) => {
    const patch = {
      endReason: end.endReason,
      endedBy: end.endedBy,
      endedAt: new Date(ctx.clock.now()),
      cost: zeroCost(),
    };
    const recorded = await recordStatus(client, call.id, end.status, patch, ['queued']);
    if (!recorded) return [];
    if (message === null) return [recorded.event];
    const warning = await appendCallEvent(client, call.id, {
      type: 'call.warning',
      data: { code: 'agent-not-ready', message },
    });
    return [recorded.event, warning];
  });
  for (const event of events) ctx.feed.publish(event);
  ctx.logger.warn({ err: error, callId: call.id, endReason: end.endReason }, 'call not dialled');
}
