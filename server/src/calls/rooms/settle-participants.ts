import * as calls from '../../db/queries/calls.ts';
import type { TransactionClient } from '../../db/database.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { endAgentsOfCall, retireAgent } from './room-agents.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import type { RoomCore } from './room-context.ts';
import { tellOfParticipant } from './room-events.ts';

/** Brings everybody in rooms up to date with their calls: who was answered, who has gone. */
export async function settleParticipants(ctx: RoomCore): Promise<void> {
  for (const { id } of await participants.listToSettle(ctx.db.pool)) {
    await settleParticipant(ctx, id);
  }
}

/** Any number of nodes may do this at once: each change is made, and told, once. */
export async function settleParticipant(ctx: RoomCore, participantId: string): Promise<void> {
  const partner = await ctx.db.transaction(async (client) => {
    const before = await participants.getView(client, participantId);
    const found = before && (await rooms.get(client, before.roomId));
    const room = found && (await rooms.lockOpen(client, found.workspaceId, found.name));
    // Under the room's lock: whoever was faster has done it.
    const view = room && (await participants.getView(client, participantId));
    if (!room || !view || view.leftAt !== null || view.callId === null) return null;
    const call = await calls.get(client, view.callId);
    if (!call) return null;
    if (call.status === 'in-progress') {
      if (view.publishedAt === null) await publish(client, ctx, room, view);
      return null;
    }
    if (!isGone(call)) return null;
    return leaveRoom(client, ctx, room, view, 'call-over');
  });
  if (partner?.callId) {
    await ctx.calls.hangup(partner.workspaceId, partner.callId, { type: 'transferred' });
  }
}

/** Of two who were connected by a transfer, the one that would be alone in the room now. */
async function partnerOf(
  client: TransactionClient,
  view: participants.RoomParticipantView,
): Promise<participants.RoomParticipantView | null> {
  const inside = await participants.listInside(client, view.roomId);
  const partner = inside.find(
    ({ id, leg }) => leg.transferOf === view.id || id === view.leg.transferOf,
  );
  return partner ?? null;
}

async function publish(
  client: TransactionClient,
  ctx: RoomCore,
  room: rooms.RoomRow,
  view: participants.RoomParticipantView,
): Promise<void> {
  const publishedAt = new Date(ctx.clock.now());
  await participants.update(client, view.id, { publishedAt });
  await tellOfParticipant(client, 'track.published', room, view.id);
  for (const dispatch of await dispatches.listByCall(client, view.callId ?? '')) {
    if (dispatch.participantId === null) continue;
    await participants.update(client, dispatch.participantId, { publishedAt });
    await tellOfParticipant(client, 'track.published', room, dispatch.participantId);
  }
}

/**
 * Lets somebody with a call out of the room, with the agents that came for it; agents do not stay in
 * a room that everybody has left. Resolves with the one who is connected with it by a transfer and
 * would be alone now: that call is to be hung up after the commit.
 */
export async function leaveRoom(
  client: TransactionClient,
  ctx: Pick<RoomCore, 'clock'>,
  room: rooms.RoomRow,
  view: participants.RoomParticipantView,
  leaveReason: string,
): Promise<participants.RoomParticipantView | null> {
  const leftAt = new Date(ctx.clock.now());
  if (view.publishedAt !== null) {
    await tellOfParticipant(client, 'track.unpublished', room, view.id);
  }
  await participants.update(client, view.id, { leftAt, leaveReason });
  await tellOfParticipant(client, 'participant.left', room, view.id);
  await endAgentsOfCall(client, ctx, room, view.callId ?? '');
  const rest = await participants.listInside(client, room.id);
  if (rest.some(({ kind }) => kind === 'sip')) {
    return view.publishedAt === null ? null : partnerOf(client, view);
  }
  for (const dispatch of await dispatches.lockWaiting(client, room.id)) {
    if (dispatch.participantId !== null) {
      await retireAgent(client, ctx, room, dispatch, 'room-empty');
    }
  }
  await rooms.update(client, room.id, { emptySince: leftAt });
  return null;
}

function isGone({ status }: calls.CallRow): boolean {
  return !['scheduled', 'queued', 'rescheduled', 'initiated', 'ringing', 'in-progress'].includes(
    status,
  );
}
