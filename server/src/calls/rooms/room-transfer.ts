import * as dispatches from '../../db/queries/room-dispatches.ts';
import type { RoomParticipantView } from '../../db/queries/room-participants.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as transfers from '../../db/queries/room-transfers.ts';
import * as rooms from '../../db/queries/rooms.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import { newId } from '../../shared/ids.ts';
import { awaitAnswer, awaitEnd } from './await-answer.ts';
import { dialParticipant } from './dial-participant.ts';
import { retireAgent } from './room-agents.ts';
import type { RoomContext } from './room-context.ts';
import { RoomError } from './room-error.ts';
import { requireMember } from './room-members.ts';
import { settleParticipant } from './settle-participants.ts';

export interface TransferOrder {
  workspaceId: string;
  roomName: string;
  identity: string;
  /** Number of the one to talk with. */
  to: string;
  /** The caller hears ringing meanwhile. Default false. */
  ringback?: boolean;
  headers?: Record<string, string>;
  ringTimeoutMs?: number | undefined;
  door?: 'v1' | 'livekit';
}

/** How a transfer ended. */
export interface TransferResult {
  transferId: string;
  successful: boolean;
  /** The call to the target: live, or over. */
  call: CallRow;
}

/**
 * Connects somebody in a room with somebody else: the target is called on the same trunk, under the
 * same guardrails as every call, and joins the room when it answers; then the agent leaves. Whoever
 * of the two hangs up ends both. Where the target is not reached, the agent goes on.
 * @throws RoomError, AdmissionError
 */
export async function transferMember(
  ctx: RoomContext,
  order: TransferOrder,
): Promise<TransferResult> {
  const { room, member } = await requireMember(
    ctx,
    order.workspaceId,
    order.roomName,
    order.identity,
  );
  const { call } = member;
  if (!call) throw new RoomError('no-call', 'the participant has no SIP call');
  if (call.status !== 'in-progress') {
    throw new RoomError('not-live', 'the participant’s call is not answered');
  }
  const nowMs = ctx.clock.now();
  const transferId = newId('transfer', nowMs);
  await transfers.insert(ctx.db.pool, {
    id: transferId,
    workspaceId: order.workspaceId,
    roomId: room.id,
    participantId: member.id,
    target: order.to,
  });
  const ours = call.direction === 'outbound' ? call.fromNumber : call.toNumber;
  try {
    const dialled = await dialParticipant(ctx, order.workspaceId, {
      roomName: room.name,
      to: order.to,
      from: ours,
      ...(call.direction === 'outbound' && call.trunkId !== null && { trunkId: call.trunkId }),
      identity: `transfer-${transferId.slice(transferId.indexOf('_') + 1)}`,
      withAgent: false,
      door: order.door ?? 'v1',
      ...(order.ringTimeoutMs !== undefined && { ringTimeoutMs: order.ringTimeoutMs }),
      leg: {
        transferOf: member.id,
        ringback: order.ringback ?? false,
        ...(order.headers && { headers: order.headers }),
      },
    });
    const target = await awaitTarget(ctx, room.workspaceId, call.id, dialled.call.id);
    const successful = target.status === 'in-progress';
    if (successful) await letAgentsGo(ctx, room, member);
    await settleParticipant(ctx, dialled.participant.id);
    await transfers.finish(ctx.db.pool, transferId, {
      status: successful ? 'successful' : 'failed',
      reason: successful ? null : (target.endReason ?? 'failed'),
      callId: target.id,
    });
    return { transferId, successful, call: target };
  } catch (error) {
    await transfers.finish(ctx.db.pool, transferId, {
      status: 'failed',
      reason: 'refused',
      callId: null,
    });
    throw error;
  }
}

/**
 * Resolves when the target has answered or cannot be reached. Nobody is rung for a caller who has
 * hung up; whoever asked for the transfer may go away, it goes on.
 */
async function awaitTarget(
  ctx: RoomContext,
  workspaceId: string,
  callerCallId: string,
  targetCallId: string,
): Promise<CallRow> {
  const answered = new AbortController();
  const gone = awaitEnd(ctx, callerCallId, answered.signal).then(
    () => ctx.calls.hangup(workspaceId, targetCallId),
    () => null,
  );
  try {
    return await awaitAnswer(ctx, targetCallId, answered.signal);
  } finally {
    answered.abort(new Error('the target has answered'));
    await gone;
  }
}

/** From now on the two talk with each other. */
async function letAgentsGo(
  ctx: RoomContext,
  room: Parameters<typeof retireAgent>[2],
  member: RoomParticipantView,
): Promise<void> {
  const { callId } = member;
  if (callId === null) return;
  const isHere = await ctx.db.transaction(async (client) => {
    await rooms.lockOpen(client, room.workspaceId, room.name);
    // Agents of a room that it was moved to in this moment are not concerned.
    const now = await participants.getView(client, member.id);
    if (now?.leftAt !== null) return false;
    for (const row of await dispatches.listByCall(client, callId)) {
      await retireAgent(client, ctx, room, row, 'transferred');
    }
    return true;
  });
  if (isHere) await ctx.calls.voiceOf(callId)?.dismissAgent();
}
