import type { CallRow } from '../../db/queries/calls.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as transfers from '../../db/queries/room-transfers.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { awaitAnswer, awaitEnd } from '../rooms/await-answer.ts';
import { dialParticipant } from '../rooms/dial-participant.ts';
import { retireAgent } from '../rooms/room-agents.ts';
import type { RoomCore } from '../rooms/room-context.ts';
import { RoomError } from '../rooms/room-error.ts';
import { settleParticipant } from '../rooms/settle-participants.ts';
import { briefTarget, type Briefing } from './brief-target.ts';
import { shareCall, type SharedCall } from './share-call.ts';
import type { TransferOrder, TransferResult } from './transfer-order.ts';

/**
 * Calls the target on the trunk of the call, under the same rules as every call, into the room of
 * the call. When it answers the agent leaves; whoever of the two hangs up ends both. Where it is not
 * reached, the agent goes on.
 * @throws RoomError, AdmissionError
 */
export async function bridgeCall(
  ctx: RoomCore,
  order: TransferOrder,
  transferId: string,
): Promise<TransferResult> {
  const { call, workspaceId } = order;
  const shared = await shareCall(ctx, call);
  await requireAlone(ctx, shared);
  const { room, member } = shared;
  await transfers.insert(ctx.db.pool, {
    id: transferId,
    workspaceId,
    roomId: room.id,
    participantId: member.id,
    target: order.to,
  });
  const ours = call.direction === 'outbound' ? call.fromNumber : call.toNumber;
  try {
    const dialled = await dialParticipant(ctx, workspaceId, {
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
    const briefing = order.briefing
      ? briefTarget(ctx, {
          callerCallId: call.id,
          targetCallId: dialled.call.id,
          text: order.briefing,
        })
      : null;
    briefing?.hide();
    const target = await awaitTarget(ctx, workspaceId, call.id, dialled.call.id, briefing);
    const successful = target.status === 'in-progress';
    if (successful) await letAgentsGo(ctx, shared);
    await settleParticipant(ctx, dialled.participant.id);
    const reason = successful ? null : (target.endReason ?? 'unavailable');
    await transfers.finish(ctx.db.pool, transferId, {
      status: successful ? 'successful' : 'failed',
      reason,
      callId: target.id,
    });
    const sip = { code: target.sipCode, reason: target.sipReason };
    return { transferId, method: 'bridge', successful, reason, call: target, sip };
  } catch (error) {
    await transfers.finish(ctx.db.pool, transferId, {
      status: 'failed',
      reason: 'refused',
      callId: null,
    });
    throw error;
  }
}

/** Nobody is connected with two at once. */
async function requireAlone(ctx: RoomCore, { member }: SharedCall): Promise<void> {
  const inside = await participants.listInside(ctx.db.pool, member.roomId);
  const isBusy = inside.some(
    (other) => other.leg.transferOf === member.id && other.call?.status !== 'in-progress',
  );
  if (isBusy) throw new RoomError('not-movable', 'the call is being transferred already');
}

/**
 * Resolves when the target has answered or cannot be reached. Nobody is rung for a caller who has
 * hung up; whoever asked for the transfer may go away, it goes on.
 */
async function awaitTarget(
  ctx: RoomCore,
  workspaceId: string,
  callerCallId: string,
  targetCallId: string,
  briefing: Briefing | null,
): Promise<CallRow> {
  const answered = new AbortController();
  const gone = awaitEnd(ctx, callerCallId, answered.signal).then(
    () => ctx.calls.hangup(workspaceId, targetCallId),
    () => null,
  );
  try {
    const target = await awaitAnswer(ctx, targetCallId, answered.signal);
    if (!briefing || target.status !== 'in-progress') return target;
    await briefing.tell();
    // Either may have hung up meanwhile.
    return await awaitAnswer(ctx, targetCallId, answered.signal);
  } finally {
    briefing?.reveal();
    answered.abort(new Error('the target has answered'));
    await gone;
  }
}

/** From now on the two talk with each other. */
async function letAgentsGo(ctx: RoomCore, { room, member }: SharedCall): Promise<void> {
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
  if (isHere) await ctx.calls.voiceOf(callId)?.dismissAgent(true);
}
