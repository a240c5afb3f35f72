import * as calls from '../db/queries/calls.ts';
import { zeroCost } from './call-cost.ts';
import type { CallContext } from './call-context.ts';
import { callEnd, type CallEndCause } from './call-end.ts';
import type { CallStatus } from './call-status.ts';
import { isOver } from './call-status-fsm.ts';
import type { LiveCall } from './live-call.ts';
import { recordStatus } from './record-status.ts';
import { askToStop } from './stop-signals.ts';

const WAITING: readonly CallStatus[] = ['scheduled', 'queued', 'rescheduled'];

export type HangupResult =
  | { outcome: 'not-found' }
  /** It had ended before. */
  | { outcome: 'over'; call: calls.CallRow }
  /** It was not dialled and never will be. */
  | { outcome: 'canceled'; call: calls.CallRow }
  /** Its end has begun: the goodbye is played, then the line is cut. */
  | { outcome: 'stopping'; call: calls.CallRow };

/**
 * Stops a call of a workspace, wherever it is. Doing it twice is harmless.
 * @param cause why, where this node has the call. Default: somebody asked for it.
 */
export async function hangupCall(
  ctx: CallContext,
  workspaceId: string,
  callId: string,
  cause: CallEndCause = { type: 'api-stop' },
): Promise<HangupResult> {
  const live = ctx.live.get(callId);
  if (live?.plan.call.workspaceId === workspaceId && live.dialled)
    return stopHere(ctx, live, cause);
  // A queued call may be claimed between the look and the cancellation: then it is looked at again.
  for (;;) {
    const call = await calls.get(ctx.db.pool, callId, workspaceId);
    if (!call) return { outcome: 'not-found' };
    if (isOver(call.status)) return { outcome: 'over', call };
    if (!isWaiting(call)) return stopLive(ctx, call);
    const canceled = await cancelWaiting(ctx, call);
    if (canceled) return { outcome: 'canceled', call: canceled };
  }
}

export type CancelResult =
  | Exclude<HangupResult, { outcome: 'stopping' }>
  /** It is dialled or spoken, and goes on. */
  | { outcome: 'live'; call: calls.CallRow };

/** Cancels a call that was not dialled yet; one that is on the line is left alone. */
export async function cancelCall(
  ctx: CallContext,
  workspaceId: string,
  callId: string,
): Promise<CancelResult> {
  for (;;) {
    const call = await calls.get(ctx.db.pool, callId, workspaceId);
    if (!call) return { outcome: 'not-found' };
    if (isOver(call.status)) return { outcome: 'over', call };
    if (!isWaiting(call)) return { outcome: 'live', call };
    const canceled = await cancelWaiting(ctx, call);
    if (canceled) return { outcome: 'canceled', call: canceled };
  }
}

/** Cancels every call of an agent that was not dialled yet. Resolves with their ids, oldest first. */
export async function cancelQueuedOfAgent(
  ctx: CallContext,
  workspaceId: string,
  agentId: string,
): Promise<string[]> {
  const canceled: string[] = [];
  for (;;) {
    const waiting = await calls.listWaitingOfAgent(ctx.db.pool, workspaceId, agentId);
    for (const call of waiting) {
      if (await cancelWaiting(ctx, call)) canceled.push(call.id);
    }
    if (waiting.length === 0) return canceled.sort();
  }
}

/** Ends the line first and asks the database afterwards: it may be away. */
async function stopHere(
  ctx: CallContext,
  live: LiveCall,
  cause: CallEndCause,
): Promise<HangupResult> {
  const wasEnding = live.cause !== null;
  void live.stop(cause);
  const { call } = live.plan;
  const status = live.answered ? 'in-progress' : 'initiated';
  const row = await calls.get(ctx.db.pool, call.id, call.workspaceId).catch(() => null);
  if (row && wasEnding && isOver(row.status)) return { outcome: 'over', call: row };
  return { outcome: 'stopping', call: row ?? { ...call, status } };
}

function isWaiting({ status }: calls.CallRow): boolean {
  return WAITING.includes(status);
}

async function stopLive(ctx: CallContext, call: calls.CallRow): Promise<HangupResult> {
  const live = ctx.live.get(call.id);
  if (live) void live.stop({ type: 'api-stop' });
  else await askToStop(ctx.db.pool, call.id);
  return { outcome: 'stopping', call };
}

async function cancelWaiting(ctx: CallContext, call: calls.CallRow): Promise<calls.CallRow | null> {
  const end = callEnd({ type: 'api-stop' }, { direction: 'outbound', answered: false, sip: null });
  const recorded = await ctx.db.transaction((client) =>
    recordStatus(
      client,
      call.id,
      end.status,
      {
        endReason: end.endReason,
        endedBy: end.endedBy,
        endedAt: new Date(ctx.clock.now()),
        cost: zeroCost(),
      },
      // `initiated` may be canceled too, but not here: its INVITE is on the wire.
      WAITING,
    ),
  );
  if (!recorded) return null;
  for (const event of recorded.events) ctx.feed.publish(event);
  return recorded.call;
}
