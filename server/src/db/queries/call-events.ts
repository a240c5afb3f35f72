import type { Queryable } from './queryable.ts';
import { requireOne, selectRows } from './row.ts';
import { storableJson } from './storable-text.ts';
import { wantedBy, type NamesByFormat } from './webhook-deliveries.ts';

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
 * Appends a fact to a call and to the outbox of every endpoint that wants it, in the caller's
 * transaction. The call's own counter gives the sequence: its row lock orders writers, and a
 * rollback takes the number back. Throws when there is no such call.
 * @param event `names`: what it is called in each format of webhooks. Default: it is in none.
 */
export async function append(
  client: Queryable,
  event: { callId: string; type: string; data: unknown; names?: NamesByFormat },
): Promise<CallEventRow> {
  return requireOne(
    client,
    `with next as (
       update calls set last_event_sequence = last_event_sequence + 1
       where id = $1 returning id, workspace_id, agent_id, last_event_sequence),
     event as (
       insert into call_events (workspace_id, call_id, sequence, type, data)
       select workspace_id, id, last_event_sequence, $2, $3 from next returning *),
     queued as (
       insert into webhook_deliveries (workspace_id, endpoint_id, order_key, event_type,
         event_sequence, event_at, event_data)
       select event.workspace_id, e.id, event.call_id, event.type, event.sequence,
         event.created_at, event.data
       from event join next on true join webhook_endpoints e on e.workspace_id = event.workspace_id
       where (e.agent_id is null or e.agent_id = next.agent_id) and ${wantedBy('$4')})
     select * from event`,
    [event.callId, event.type, storableJson(event.data), storableJson(event.names ?? {})],
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
