import type { Queryable } from './queryable.ts';
import { requireOne, selectRows } from './row.ts';
import { storableJson } from './storable-text.ts';

export interface CallEventRow {
  /** Grows over all calls, with gaps. */
  id: number;
  workspaceId: string;
  callId: string;
  /** 1, 2, 3, ... within the call, without gaps. */
  sequence: number;
  type: string;
  data: unknown;
  createdAt: Date;
}

/**
 * Appends a fact to a call, in the caller's transaction. The call's own counter gives the sequence:
 * its row lock orders writers, and a rollback takes the number back. Throws when there is no such
 * call.
 */
export async function append(
  client: Queryable,
  event: { callId: string; type: string; data: unknown },
): Promise<CallEventRow> {
  return requireOne(
    client,
    `with next as (
       update calls set last_event_sequence = last_event_sequence + 1
       where id = $1 returning id, workspace_id, last_event_sequence)
     insert into call_events (workspace_id, call_id, sequence, type, data)
     select workspace_id, id, last_event_sequence, $2, $3 from next returning *`,
    [event.callId, event.type, storableJson(event.data)],
  );
}

/** Events of a call after a sequence (0: all), in order. */
export async function listAfter(
  client: Queryable,
  callId: string,
  afterSequence = 0,
  limit = 1_000,
): Promise<CallEventRow[]> {
  return selectRows(
    client,
    `select * from call_events where call_id = $1 and sequence > $2 order by sequence limit $3`,
    [callId, afterSequence, limit],
  );
}
