import type { RoomParticipantRow } from '../../db/queries/room-participants.ts';
import * as participants from '../../db/queries/room-participants.ts';
import type { RoomContext } from './room-context.ts';

/** Takes a call of this node into the room that its participant was moved to. */
export async function bringIntoRoom(
  ctx: Pick<RoomContext, 'calls'>,
  { callId, roomId, muted, canPublish, canSubscribe }: RoomParticipantRow,
): Promise<void> {
  const voice = callId === null ? null : ctx.calls.voiceOf(callId);
  // Somebody who is still asked for a PIN is in no room that others know.
  if (!voice || voice.roomId === null || voice.roomId === roomId) return;
  // What it does not hear is of the tracks of its old room.
  await voice.enterRoom(roomId, {
    muted: muted || !canPublish,
    deaf: !canSubscribe,
    unheard: [],
  });
}

/** Whether a call that was moved out of a room is still heard in it. */
export async function isBeingLeft(
  ctx: Pick<RoomContext, 'calls' | 'db'>,
  roomId: string,
): Promise<boolean> {
  const callIds = await participants.listMovedFrom(ctx.db.pool, roomId);
  return callIds.some((callId) => ctx.calls.voiceOf(callId)?.roomId === roomId);
}
