import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';

/** Writes down that a call is to stop, and notifies `channel` of its id when that is committed. */
export async function request(client: Queryable, callId: string, channel: string): Promise<void> {
  await client.query(
    `with asked as (
       insert into stop_requests (call_id) values ($1) on conflict do nothing)
     select pg_notify($2, $1::text)`,
    [callId, channel],
  );
}

/** Live calls of a node that are to stop. */
export async function listOfNode(client: Queryable, nodeId: string): Promise<string[]> {
  const rows = await selectRows<{ callId: string }>(
    client,
    `select call_id from stop_requests join calls on calls.id = call_id
     where node_id = $1 and status in ('queued', 'initiated', 'ringing', 'in-progress')`,
    [nodeId],
  );
  return rows.map(({ callId }) => callId);
}

/** Forgets what was asked of calls that have no line any more. */
export async function forgetOver(client: Queryable): Promise<void> {
  // Two nodes that sweep at once must not wait for each other.
  await client.query(
    `delete from stop_requests where call_id in (
       select call_id from stop_requests join calls on calls.id = call_id
       where status not in
         ('scheduled', 'queued', 'rescheduled', 'initiated', 'ringing', 'in-progress')
       for update of stop_requests skip locked)`,
  );
}
