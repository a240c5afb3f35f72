import type { Queryable } from './queryable.ts';
import { assignments, selectOne, selectRows } from './row.ts';

/** Why a room was closed. */
export type RoomEndReasonValue = 'deleted' | 'empty' | 'shutdown';

export interface RoomRow {
  id: string;
  workspaceId: string;
  /** Unique among the open rooms of a workspace. */
  name: string;
  metadata: string;
  /** Closed so long after it was made when nobody came. */
  emptyTimeoutS: number;
  /** Closed so long after the last one left. */
  departureTimeoutS: number;
  /** 0: any number. */
  maxParticipants: number;
  tags: Record<string, string>;
  nodeId: string | null;
  wasJoined: boolean;
  emptySince: Date | null;
  createdAt: Date;
  closedAt: Date | null;
  endReason: RoomEndReasonValue | null;
}

export type NewRoom = Pick<RoomRow, 'id' | 'workspaceId' | 'name'> &
  Partial<
    Pick<RoomRow, 'metadata' | 'emptyTimeoutS' | 'departureTimeoutS' | 'maxParticipants' | 'tags'>
  >;

/** The new room; null where there is an open one of that name. */
export async function insert(client: Queryable, room: NewRoom): Promise<RoomRow | null> {
  return selectOne(
    client,
    `insert into rooms (id, workspace_id, name, metadata, empty_timeout_s, departure_timeout_s,
       max_participants, tags)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (workspace_id, name) where closed_at is null do nothing returning *`,
    [
      room.id,
      room.workspaceId,
      room.name,
      room.metadata ?? '',
      room.emptyTimeoutS ?? 300,
      room.departureTimeoutS ?? 20,
      room.maxParticipants ?? 0,
      JSON.stringify(room.tags ?? {}),
    ],
  );
}

/** The open room of a name. */
export async function findOpen(
  client: Queryable,
  workspaceId: string,
  name: string,
): Promise<RoomRow | null> {
  return selectOne(
    client,
    'select * from rooms where workspace_id = $1 and name = $2 and closed_at is null',
    [workspaceId, name],
  );
}

/** The same, locked until the transaction ends: joins and the closing of one room take turns. */
export async function lockOpen(
  client: Queryable,
  workspaceId: string,
  name: string,
): Promise<RoomRow | null> {
  return selectOne(
    client,
    'select * from rooms where workspace_id = $1 and name = $2 and closed_at is null for update',
    [workspaceId, name],
  );
}

/** Without a workspace: for the program itself, never for a request. */
export async function get(client: Queryable, roomId: string): Promise<RoomRow | null> {
  return selectOne(client, 'select * from rooms where id = $1', [roomId]);
}

/** Open rooms, oldest first. */
export async function listOpen(
  client: Queryable,
  workspaceId: string,
  names: readonly string[] = [],
  limit = 10_000,
): Promise<RoomRow[]> {
  return selectRows(
    client,
    `select * from rooms where workspace_id = $1 and closed_at is null
       and ($2::text[] = '{}' or name = any($2)) order by id limit $3`,
    [workspaceId, names, limit],
  );
}

export async function update(
  client: Queryable,
  roomId: string,
  patch: { metadata?: string; wasJoined?: boolean; emptySince?: Date | null },
): Promise<RoomRow | null> {
  const values: unknown[] = [roomId];
  const sets = assignments({ ...patch }, ['metadata', 'wasJoined', 'emptySince'], values);
  if (sets.length === 0) return get(client, roomId);
  return selectOne(
    client,
    `update rooms set ${sets.join(', ')} where id = $1 and closed_at is null returning *`,
    values,
  );
}

/**
 * Ties a room to the node that mixes it. False when another living node has it; a node that was not
 * seen for `deadAfterMs` has it no more.
 */
export async function takeForNode(
  client: Queryable,
  roomId: string,
  nodeId: string,
  deadAfterMs: number,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update rooms set node_id = $2 where id = $1 and closed_at is null
       and (node_id is null or node_id = $2 or not exists (
         select from nodes where nodes.id = rooms.node_id
           and nodes.seen_at >= now() - $3 * interval '1 millisecond'))`,
    [roomId, nodeId, deadAfterMs],
  );
  return rowCount === 1;
}

/** Whoever mixed a room, of which no call is left, does so no more. */
export async function freeOfNode(client: Queryable, roomId: string): Promise<void> {
  await client.query('update rooms set node_id = null where id = $1', [roomId]);
}

/** Follows a call that was placed into a room and is in another one by now. */
export async function nameInCall(
  client: Queryable,
  callId: string,
  { id, name }: Pick<RoomRow, 'id' | 'name'>,
): Promise<void> {
  await client.query(
    `update calls set door_data = door_data || $2 where id = $1 and door_data ? 'room_id'`,
    [callId, JSON.stringify({ room: name, room_id: id })],
  );
}

/** Open rooms that nobody is in, or came to, for as long as they wait. */
export async function listExpired(client: Queryable, limit = 100): Promise<RoomRow[]> {
  return selectRows(
    client,
    `select * from rooms where closed_at is null and empty_since is not null
       and empty_since + case when was_joined then departure_timeout_s else empty_timeout_s end
         * interval '1 second' <= now()
     order by empty_since limit $1`,
    [limit],
  );
}

/** The room as it was closed; null when it was closed before. */
export async function close(
  client: Queryable,
  roomId: string,
  reason: RoomEndReasonValue,
): Promise<RoomRow | null> {
  return selectOne(
    client,
    `update rooms set closed_at = now(), end_reason = $2, node_id = null
     where id = $1 and closed_at is null returning *`,
    [roomId, reason],
  );
}

/** Whether there is anything to keep: an open room, or a recording that is not complete. */
export async function isAnyAlive(client: Queryable): Promise<boolean> {
  const row = await selectOne<{ alive: boolean }>(
    client,
    `select exists (select from rooms where closed_at is null)
       or exists (select from room_recordings where status in ('starting', 'active', 'ending'))
       as alive`,
  );
  return row?.alive ?? false;
}
