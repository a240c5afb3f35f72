import type { Queryable } from './queryable.ts';
import { assignments, requireOne, selectOne, selectRows } from './row.ts';

export type RoomRecordingStatus = 'starting' | 'active' | 'ending' | 'complete' | 'failed';

/** A recording of a room, or of one in it. */
export interface RoomRecordingRow {
  id: string;
  workspaceId: string;
  roomId: string;
  kind: 'room' | 'participant' | 'track';
  /** Null: everybody. */
  participantId: string | null;
  /** As it was asked for. */
  filePath: string;
  channels: 'mono' | 'agent-right';
  status: RoomRecordingStatus;
  error: string | null;
  storageKey: string | null;
  sizeBytes: number | null;
  durationMs: number | null;
  doorData: Record<string, unknown>;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  updatedAt: Date;
}

export type NewRoomRecording = Pick<
  RoomRecordingRow,
  'id' | 'workspaceId' | 'roomId' | 'kind' | 'participantId' | 'filePath' | 'channels' | 'doorData'
>;

export async function insert(
  client: Queryable,
  recording: NewRoomRecording,
): Promise<RoomRecordingRow> {
  return requireOne(
    client,
    `insert into room_recordings (id, workspace_id, room_id, kind, participant_id, file_path,
       channels, status, door_data) values ($1, $2, $3, $4, $5, $6, $7, 'starting', $8) returning *`,
    [
      recording.id,
      recording.workspaceId,
      recording.roomId,
      recording.kind,
      recording.participantId,
      recording.filePath,
      recording.channels,
      JSON.stringify(recording.doorData),
    ],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  recordingId: string,
): Promise<RoomRecordingRow | null> {
  return selectOne(client, 'select * from room_recordings where workspace_id = $1 and id = $2', [
    workspaceId,
    recordingId,
  ]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: { roomName?: string; recordingId?: string; running?: boolean; before?: string },
  limit: number,
): Promise<RoomRecordingRow[]> {
  return selectRows(
    client,
    `select r.* from room_recordings r join rooms on rooms.id = r.room_id
     where r.workspace_id = $1 and ($2::text is null or rooms.name = $2)
       and ($3::text is null or r.id = $3)
       and (not $4 or r.status in ('starting', 'active', 'ending'))
       and ($5::text is null or r.id < $5)
     order by r.id desc limit $6`,
    [
      workspaceId,
      filter.roomName ?? null,
      filter.recordingId ?? null,
      filter.running ?? false,
      filter.before ?? null,
      limit,
    ],
  );
}

/** Running ones of a room, or of every room that a node mixes, or that no living node mixes. */
export async function listRunning(
  client: Queryable,
  scope: { roomId: string } | { nodeId: string },
): Promise<RoomRecordingRow[]> {
  const byRoom = 'roomId' in scope;
  return selectRows(
    client,
    `select r.* from room_recordings r join rooms on rooms.id = r.room_id
     where r.status in ('starting', 'active', 'ending')
       and ${byRoom ? 'rooms.id = $1' : '(rooms.node_id = $1 or rooms.closed_at is not null)'}
     order by r.id`,
    [byRoom ? scope.roomId : scope.nodeId],
  );
}

const FIELDS = [
  'status',
  'error',
  'storageKey',
  'sizeBytes',
  'durationMs',
  'startedAt',
  'endedAt',
] as const;

export type RoomRecordingPatch = {
  [Field in (typeof FIELDS)[number]]?: RoomRecordingRow[Field] | undefined;
};

/** Null, and nothing changed, where it is in none of the states `from`. */
export async function update(
  client: Queryable,
  recordingId: string,
  from: readonly RoomRecordingStatus[],
  patch: RoomRecordingPatch,
): Promise<RoomRecordingRow | null> {
  const values: unknown[] = [recordingId, from];
  const sets = assignments({ ...patch }, FIELDS, values);
  return selectOne(
    client,
    `update room_recordings set ${[...sets, 'updated_at = now()'].join(', ')}
     where id = $1 and status = any($2) returning *`,
    values,
  );
}
