import type { Queryable } from '../../db/queries/queryable.ts';
import * as participants from '../../db/queries/room-participants.ts';
import type { RoomRecordingRow } from '../../db/queries/room-recordings.ts';
import * as recordings from '../../db/queries/room-recordings.ts';
import type { RoomRow } from '../../db/queries/rooms.ts';
import { appendEvent } from '../../events/outbox.ts';
import type { RoomContext } from './room-context.ts';
import { participantJson, recordingJson, roomJson, type RoomJson } from './room-json.ts';

type ParticipantEvent =
  | 'participant.joined'
  | 'participant.left'
  | 'participant.connection-aborted'
  | 'track.published'
  | 'track.unpublished';
type RecordingEvent = 'egress.started' | 'egress.updated' | 'egress.ended';

/** The room as it is now, counted. */
export async function readRoomJson(client: Queryable, room: RoomRow): Promise<RoomJson> {
  const counts = await participants.countInside(client, [room.id]);
  const running = await recordings.listRunning(client, { roomId: room.id });
  return roomJson(room, counts.get(room.id), running.length > 0);
}

/** Facts of one room are told in the order in which they happened. */
export async function tellOfRoom(
  client: Queryable,
  type: 'room.started' | 'room.finished',
  room: RoomRow,
): Promise<void> {
  await appendEvent(client, {
    workspaceId: room.workspaceId,
    orderKey: room.id,
    type,
    data: { room: await readRoomJson(client, room) },
  });
}

export async function tellOfParticipant(
  client: Queryable,
  type: ParticipantEvent,
  room: RoomRow,
  participantId: string,
): Promise<void> {
  const view = await participants.getView(client, participantId);
  if (!view) return;
  await appendEvent(client, {
    workspaceId: room.workspaceId,
    orderKey: room.id,
    type,
    data: { room: await readRoomJson(client, room), participant: participantJson(view) },
  });
}

export async function tellOfRecording(
  client: Queryable,
  ctx: Pick<RoomContext, 'recordingUrl'>,
  type: RecordingEvent,
  room: RoomRow,
  recording: RoomRecordingRow,
): Promise<void> {
  await appendEvent(client, {
    workspaceId: room.workspaceId,
    orderKey: room.id,
    type,
    data: {
      room: await readRoomJson(client, room),
      recording: { ...recordingJson(recording, room, ctx.recordingUrl) },
    },
  });
}
