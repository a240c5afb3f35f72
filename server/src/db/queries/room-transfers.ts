import type { Queryable } from './queryable.ts';

/** A transfer that has begun. */
export interface NewRoomTransfer {
  id: string;
  workspaceId: string;
  roomId: string;
  participantId: string;
  /** Number that is called. */
  target: string;
}

export async function insert(client: Queryable, transfer: NewRoomTransfer): Promise<void> {
  const { id, workspaceId, roomId, participantId, target } = transfer;
  await client.query(
    `insert into room_transfers (id, workspace_id, room_id, participant_id, target, status)
     values ($1, $2, $3, $4, $5, 'ongoing')`,
    [id, workspaceId, roomId, participantId, target],
  );
}

export async function finish(
  client: Queryable,
  transferId: string,
  end: { status: 'failed' | 'successful'; reason: string | null; callId: string | null },
): Promise<void> {
  await client.query(
    `update room_transfers set status = $2, reason = $3, call_id = $4, ended_at = now()
     where id = $1`,
    [transferId, end.status, end.reason, end.callId],
  );
}
