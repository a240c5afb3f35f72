import type { Queryable } from './queryable.ts';
import { assignments, requireOne, selectOne, selectRows } from './row.ts';

/** An agent that was sent into a room. */
export interface RoomDispatchRow {
  id: string;
  workspaceId: string;
  roomId: string;
  agentName: string;
  /** Null: there is no agent of that name yet. */
  agentId: string | null;
  participantId: string | null;
  /** The call that the agent speaks in; null: it waits for one. */
  callId: string | null;
  metadata: string;
  attributes: Record<string, string>;
  doorData: Record<string, unknown>;
  error: string | null;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  deletedAt: Date | null;
}

export type NewRoomDispatch = Pick<RoomDispatchRow, 'id' | 'workspaceId' | 'roomId' | 'agentName'> &
  Partial<Pick<RoomDispatchRow, 'metadata' | 'attributes' | 'doorData'>>;

/** Throws PostgreSQL's 23505 when the id is taken. */
export async function insert(
  client: Queryable,
  dispatch: NewRoomDispatch,
): Promise<RoomDispatchRow> {
  const { id, workspaceId, roomId, agentName } = dispatch;
  return requireOne(
    client,
    `insert into room_dispatches (id, workspace_id, room_id, agent_name, metadata, attributes,
       door_data) values ($1, $2, $3, $4, $5, $6, $7) returning *`,
    [
      id,
      workspaceId,
      roomId,
      agentName,
      dispatch.metadata ?? '',
      JSON.stringify(dispatch.attributes ?? {}),
      JSON.stringify(dispatch.doorData ?? {}),
    ],
  );
}

/** Of a room, oldest first, without those that were taken back. */
export async function listByRoom(client: Queryable, roomId: string): Promise<RoomDispatchRow[]> {
  return selectRows(
    client,
    'select * from room_dispatches where room_id = $1 and deleted_at is null order by id',
    [roomId],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  dispatchId: string,
): Promise<RoomDispatchRow | null> {
  return selectOne(client, 'select * from room_dispatches where workspace_id = $1 and id = $2', [
    workspaceId,
    dispatchId,
  ]);
}

/** The agents that wait in a room for somebody to speak with; locked for the transaction. */
export async function lockWaiting(client: Queryable, roomId: string): Promise<RoomDispatchRow[]> {
  return selectRows(
    client,
    `select * from room_dispatches where room_id = $1 and deleted_at is null and ended_at is null
       and call_id is null order by id for update`,
    [roomId],
  );
}

/** The agents that speak in a call. */
export async function listByCall(client: Queryable, callId: string): Promise<RoomDispatchRow[]> {
  return selectRows(
    client,
    'select * from room_dispatches where call_id = $1 and ended_at is null order by id',
    [callId],
  );
}

const FIELDS = [
  'agentId',
  'participantId',
  'callId',
  'error',
  'startedAt',
  'endedAt',
  'deletedAt',
] as const;

export type RoomDispatchPatch = {
  [Field in (typeof FIELDS)[number]]?: RoomDispatchRow[Field] | undefined;
};

export async function update(
  client: Queryable,
  dispatchId: string,
  patch: RoomDispatchPatch,
): Promise<RoomDispatchRow | null> {
  const values: unknown[] = [dispatchId];
  const sets = assignments({ ...patch }, FIELDS, values);
  return selectOne(
    client,
    `update room_dispatches set ${sets.join(', ')} where id = $1 returning *`,
    values,
  );
}
