import type { CallRow } from '../../db/queries/calls.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { newId } from '../../shared/ids.ts';
import { takeRoomFor } from '../room-seat.ts';
import type { RoomCore } from '../rooms/room-context.ts';
import { ensureRoomIn } from '../rooms/room-directory.ts';
import { RoomError } from '../rooms/room-error.ts';
import { tellOfParticipant } from '../rooms/room-events.ts';

/** Identity in the room of the one who is transferred. */
const IDENTITY = 'caller';

/** A call's place in a room, with the room. */
export interface SharedCall {
  room: rooms.RoomRow;
  member: participants.RoomParticipantView;
}

/**
 * The room that an answered call is in: where it has one that nobody knows, it gets one that others
 * can come into, and goes on in it with its agent.
 * @throws RoomError
 */
export async function shareCall(ctx: RoomCore, call: CallRow): Promise<SharedCall> {
  const seated = await findShared(ctx, call.id);
  if (seated) return seated;
  const live = ctx.calls.liveOf(call.id);
  if (!live?.voice) {
    throw new RoomError('not-live', 'the call is on another node, or its end has begun');
  }
  if (live.isAskedForPin) {
    throw new RoomError('not-live', 'the caller is still asked for a PIN');
  }
  const shared = await ctx.db.transaction(async (client) => {
    const { room } = await ensureRoomIn(client, ctx, call.workspaceId, {
      name: `transfer-${call.id}`,
      agents: [],
    });
    if (!(await takeRoomFor(client, room, ctx.nodeId))) {
      throw new RoomError('not-live', 'the room of the call is on another node');
    }
    const nowMs = ctx.clock.now();
    const { id } = await participants.insert(client, {
      id: newId('participant', nowMs),
      workspaceId: call.workspaceId,
      roomId: room.id,
      identity: IDENTITY,
      kind: 'sip',
      trackId: newId('track', nowMs),
      callId: call.id,
      publishedAt: new Date(nowMs),
    });
    await rooms.update(client, room.id, { emptySince: null, wasJoined: true });
    await tellOfParticipant(client, 'participant.joined', room, id);
    await tellOfParticipant(client, 'track.published', room, id);
    const member = await participants.getView(client, id);
    if (!member) throw new Error(`expected participant ${id} that was just stored, got none`);
    return { room, member };
  });
  await live.shareRoom(shared.room.id);
  return shared;
}

async function findShared(ctx: RoomCore, callId: string): Promise<SharedCall | null> {
  const participant = await participants.findByCall(ctx.db.pool, callId);
  const member = participant && (await participants.getView(ctx.db.pool, participant.id));
  if (!member || member.leftAt !== null) return null;
  const room = await rooms.get(ctx.db.pool, member.roomId);
  return room && { room, member };
}
