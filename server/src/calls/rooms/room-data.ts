import * as participants from '../../db/queries/room-participants.ts';
import { appendEvent } from '../../events/outbox.ts';
import type { RoomContext } from './room-context.ts';
import { requireOption, requireRoom } from './room-directory.ts';
import { RoomError } from './room-error.ts';

export interface RoomData {
  data: Uint8Array;
  topic: string;
  /** Of a message that may be sent twice; 16 bytes. Empty: none. */
  nonce: Uint8Array;
  /** For these only; with none named for all. */
  identities: readonly string[];
  participantIds: readonly string[];
}

const MAX_DATA_BYTES = 64 * 1_024;
/** Nonces that are remembered, of all rooms. */
const MAX_NONCES = 10_000;

/**
 * Tells those in a room something. Neither a phone nor an agent reads bytes: they are told to whoever
 * follows the room by webhook, once for each nonce.
 * @throws RoomError
 */
export async function sendToRoom(
  ctx: RoomContext,
  workspaceId: string,
  roomName: string,
  message: RoomData,
): Promise<void> {
  requireOption(message.data.byteLength <= MAX_DATA_BYTES, 'the data is longer than 64 KiB');
  const room = await requireRoom(ctx, workspaceId, roomName);
  const inside = await participants.listInside(ctx.db.pool, room.id);
  const named = message.identities.length + message.participantIds.length > 0;
  const targets = inside.filter(
    ({ identity, id }) =>
      !named || message.identities.includes(identity) || message.participantIds.includes(id),
  );
  if (named && targets.length === 0) {
    throw new RoomError('participant-not-found', 'participant does not exist');
  }
  if (wasSeen(ctx, room.id, message.nonce)) return;
  await ctx.db.transaction((client) =>
    appendEvent(client, {
      workspaceId,
      orderKey: room.id,
      type: 'room.data',
      data: {
        room_id: room.id,
        room_name: room.name,
        topic: message.topic,
        data_base64: Buffer.from(message.data).toString('base64'),
        participants: targets.map(({ identity }) => identity),
      },
    }),
  );
}

function wasSeen({ nonces }: RoomContext, roomId: string, nonce: Uint8Array): boolean {
  if (nonce.byteLength === 0) return false;
  const key = `${roomId}:${Buffer.from(nonce).toString('base64')}`;
  if (nonces.has(key)) return true;
  // The oldest make room; a client repeats itself within seconds.
  const [oldest] = nonces;
  if (nonces.size >= MAX_NONCES && oldest !== undefined) nonces.delete(oldest);
  nonces.add(key);
  return false;
}
