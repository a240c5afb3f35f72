import type { Queryable } from '../db/queries/queryable.ts';
import type { RoomLeg } from '../db/queries/room-participants.ts';
import * as participants from '../db/queries/room-participants.ts';

/** The place that a call has in a room which others can come into. */
export interface RoomSeat {
  roomId: string;
  participantId: string;
  /** What the call is made with, beyond what every call has. */
  leg: RoomLeg;
}

/** Says whether the keys of an answered call are being pressed. */
export async function setAutomation(
  { db }: { db: { pool: Queryable } },
  seat: RoomSeat,
  automation: boolean,
): Promise<void> {
  await participants.update(db.pool, seat.participantId, { leg: { ...seat.leg, automation } });
}

/** Null: the call has a room of its own that nobody knows. */
export async function findSeat(client: Queryable, callId: string): Promise<RoomSeat | null> {
  const participant = await participants.findByCall(client, callId);
  if (!participant) return null;
  const { roomId, id, leg } = participant;
  return { roomId, participantId: id, leg };
}
