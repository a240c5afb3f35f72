import type { TransactionClient } from '../../db/database.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { newId } from '../../shared/ids.ts';
import { takeRoomFor } from '../room-seat.ts';
import { bringIntoRoom } from './bring-into-room.ts';
import type { RoomContext } from './room-context.ts';
import { checkRoom, ensureRoomIn, requireFreePlace, requireOption } from './room-directory.ts';
import { RoomError } from './room-error.ts';
import { tellOfParticipant } from './room-events.ts';
import { leaveRoom } from './settle-participants.ts';

/** Who is to go where. */
export interface MoveOrder {
  workspaceId: string;
  roomName: string;
  identity: string;
  /** Name of the other room, which is made where there is none. */
  destination: string;
}

type Member = participants.RoomParticipantView & { callId: string };

/**
 * Takes somebody whose call is answered into another room: it leaves the one and joins the other in
 * one transaction, as a new participant of the same identity, name, metadata, attributes and
 * permissions. The call goes on; its audio follows at once where this node has it, and within a
 * quarter of a second where another one does.
 * @throws RoomError
 */
export async function moveMember(
  ctx: RoomContext,
  order: MoveOrder,
): Promise<participants.RoomParticipantView> {
  const { destination, roomName } = order;
  requireOption(destination !== '', 'missing destination room');
  checkRoom({ name: destination });
  requireOption(
    destination !== roomName,
    'the destination room is the one that the participant is in',
  );
  const moved = await ctx.db.transaction(async (client) => {
    const { from, to } = await lockBoth(client, ctx, order);
    const member = from && (await participants.findInside(client, from.id, order.identity));
    if (!from || !member) {
      throw new RoomError('participant-not-found', 'participant does not exist');
    }
    const movable = await requireMovable(client, ctx, member);
    await requirePlaceIn(client, to, movable);
    await leaveRoom(client, ctx, from, movable, 'moved');
    return join(client, ctx, to, movable);
  });
  await bringIntoRoom(ctx, moved).catch((error: unknown) => {
    ctx.logger.warn({ err: error, callId: moved.callId }, 'a call follows its move later');
  });
  return moved;
}

/** In the order of their names: two moves in opposite directions must not wait for each other. */
async function lockBoth(
  client: TransactionClient,
  ctx: RoomContext,
  { workspaceId, roomName, destination }: MoveOrder,
): Promise<{ from: rooms.RoomRow | null; to: rooms.RoomRow }> {
  const lockFrom = (): Promise<rooms.RoomRow | null> =>
    rooms.lockOpen(client, workspaceId, roomName);
  const earlier = roomName < destination ? await lockFrom() : null;
  const { room: to } = await ensureRoomIn(client, ctx, workspaceId, { name: destination });
  return { from: roomName < destination ? earlier : await lockFrom(), to };
}

/** @throws RoomError */
async function requireMovable(
  client: TransactionClient,
  ctx: RoomContext,
  member: participants.RoomParticipantView,
): Promise<Member> {
  const { callId, call, kind } = member;
  if (kind === 'agent') {
    throw new RoomError(
      'not-movable',
      'an agent belongs to the call that it speaks in; send one into the other room instead',
    );
  }
  if (callId === null || call?.status !== 'in-progress') {
    throw new RoomError('not-live', 'the participant’s call is not answered');
  }
  if (ctx.calls.voiceOf(callId)?.roomId === null) {
    throw new RoomError('not-live', 'the participant is still asked for a PIN');
  }
  const inside = await participants.listInside(client, member.roomId);
  const isTransferring = inside.some(
    (other) => other.leg.transferOf === member.id && other.call?.status !== 'in-progress',
  );
  if (isTransferring) {
    throw new RoomError('not-movable', 'the participant is being transferred');
  }
  return { ...member, callId };
}

/** @throws RoomError */
async function requirePlaceIn(
  client: TransactionClient,
  room: rooms.RoomRow,
  { identity, call }: Member,
): Promise<void> {
  if (await participants.findInside(client, room.id, identity)) {
    throw new RoomError(
      'identity-taken',
      `a participant ${JSON.stringify(identity)} is in the destination room already`,
    );
  }
  await requireFreePlace(client, room);
  const nodeId = call?.nodeId ?? null;
  if (nodeId === null || !(await takeRoomFor(client, room, nodeId))) {
    throw new RoomError(
      'not-movable',
      'the calls of the destination room are on another node; a call cannot leave its own',
    );
  }
}

async function join(
  client: TransactionClient,
  ctx: RoomContext,
  room: rooms.RoomRow,
  member: Member,
): Promise<participants.RoomParticipantView> {
  const nowMs = ctx.clock.now();
  const { identity, kind, name, metadata, attributes, callId, leg } = member;
  const { id } = await participants.insert(client, {
    id: newId('participant', nowMs),
    workspaceId: room.workspaceId,
    roomId: room.id,
    trackId: newId('track', nowMs),
    identity,
    kind,
    name,
    metadata,
    attributes,
    callId,
    leg,
    muted: member.muted,
    canPublish: member.canPublish,
    canSubscribe: member.canSubscribe,
    // Otherwise that is told when it is known.
    publishedAt: member.publishedAt === null ? null : new Date(nowMs),
  });
  await participants.replacePartner(client, member.id, id);
  await rooms.update(client, room.id, { emptySince: null, wasJoined: true });
  await rooms.nameInCall(client, callId, room);
  await tellOfParticipant(client, 'participant.joined', room, id);
  if (member.publishedAt !== null) await tellOfParticipant(client, 'track.published', room, id);
  const view = await participants.getView(client, id);
  if (!view) throw new Error(`expected participant ${id} that was just stored, got none`);
  return view;
}
