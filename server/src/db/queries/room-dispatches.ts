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

/** Answered calls of a node in whose room an agent waits, while none speaks in the call. */
export async function listLateOfNode(
  client: Queryable,
  nodeId: string,
): Promise<{ roomId: string; callId: string }[]> {
  return selectRows(
    client,
    `select distinct on (p.room_id) p.room_id, p.call_id
     from room_dispatches d
     join room_participants p on p.room_id = d.room_id and p.left_at is null and p.kind = 'sip'
     join calls c on c.id = p.call_id and c.node_id = $1 and c.status = 'in-progress'
     where d.deleted_at is null and d.ended_at is null and d.call_id is null
       and not exists (select from room_dispatches other
         where other.call_id = p.call_id and other.ended_at is null)
     order by p.room_id, p.id`,
    [nodeId],
  );
}
