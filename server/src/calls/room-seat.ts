import type { Queryable } from '../db/queries/queryable.ts';
import type { RoomLeg } from '../db/queries/room-participants.ts';
import * as participants from '../db/queries/room-participants.ts';
import * as rooms from '../db/queries/rooms.ts';

/** The place that a call has in a room which others can come into. */
export interface RoomSeat {
  roomId: string;
  participantId: string;
  /** What the call is made with, beyond what every call has. */
  leg: RoomLeg;
}

/** A node that was not seen for so long mixes no room any more. */
const NODE_LEASE_MS = 15_000;

/** Another node mixes the call's room: the call belongs there. */
export class RoomElsewhereError extends Error {
  constructor(roomId: string) {
    super(`room ${roomId} is mixed by another node`);
    this.name = 'RoomElsewhereError';
  }
}

/** Ties the room of a call to this node. @throws RoomElsewhereError */
export async function takeRoom(
  { db, nodeId }: { db: { pool: Queryable }; nodeId: string },
  { roomId }: RoomSeat,
): Promise<void> {
  if (!(await rooms.takeForNode(db.pool, roomId, nodeId, NODE_LEASE_MS))) {
    throw new RoomElsewhereError(roomId);
  }
}

/**
 * Ties the room that a call is moved to, which is locked, to the call's node. False where that
 * cannot be: calls of the room are on another one.
 */
export async function takeRoomFor(
  client: Queryable,
  { id }: rooms.RoomRow,
  nodeId: string,
): Promise<boolean> {
  const inside = await participants.listInside(client, id);
  // Whoever mixed it has nothing more to mix.
  if (!inside.some(({ kind }) => kind === 'sip')) await rooms.freeOfNode(client, id);
  return rooms.takeForNode(client, id, nodeId, NODE_LEASE_MS);
}

/** Says whether the keys of an answered call are being pressed, in whatever room it is by now. */
export async function setAutomation(
  { db }: { db: { pool: Queryable } },
  callId: string,
  automation: boolean,
): Promise<void> {
  await participants.mergeOfCall(db.pool, callId, { leg: { automation } });
}

/** What was learned of a participant beside what it came with. */
export async function addAttributes(
  { db }: { db: { pool: Queryable } },
  callId: string,
  attributes: Record<string, string>,
): Promise<void> {
  await participants.mergeOfCall(db.pool, callId, { attributes });
}

/** Null: the call has a room of its own that nobody knows. */
export async function findSeat(client: Queryable, callId: string): Promise<RoomSeat | null> {
  const participant = await participants.findByCall(client, callId);
  if (!participant) return null;
  const { roomId, id, leg } = participant;
  return { roomId, participantId: id, leg };
}
