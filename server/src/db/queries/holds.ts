import type { Queryable } from './queryable.ts';
import { selectOne, selectRows } from './row.ts';

/** What a call has reserved of its workspace's wallet. */
export interface HoldRow {
  callId: string;
  workspaceId: string;
  state: 'held' | 'released' | 'settled';
  heldMicros: number;
  /** What one more period is expected to cost. */
  periodMicros: number;
  settledMicros: number;
  updatedAt: Date;
}

/** The hold of a call, locked until the end of the transaction. */
export async function lock(client: Queryable, callId: string): Promise<HoldRow | null> {
  return selectOne(client, 'select * from holds where call_id = $1 for update', [callId]);
}

/** Makes the hold of a call, or gives it new values. */
export async function put(client: Queryable, hold: Omit<HoldRow, 'updatedAt'>): Promise<void> {
  await client.query(
    `insert into holds (call_id, workspace_id, state, held_micros, period_micros, settled_micros)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (call_id) do update set state = excluded.state,
       held_micros = excluded.held_micros, period_micros = excluded.period_micros,
       settled_micros = excluded.settled_micros, updated_at = now()`,
    [
      hold.callId,
      hold.workspaceId,
      hold.state,
      hold.heldMicros,
      hold.periodMicros,
      hold.settledMicros,
    ],
  );
}

/**
 * Calls whose money is still reserved although they are over and cost what they cost: nothing
 * leaves such a hold behind, so one that is there was made by hand or by an older program.
 */
export async function listForgotten(client: Queryable, limit = 100): Promise<string[]> {
  const rows = await selectRows<{ callId: string }>(
    client,
    `select holds.call_id from holds join calls on calls.id = holds.call_id
     where holds.state = 'held' and calls.ended_at < now() - interval '1 hour'
       and calls.cost is not null
     order by holds.updated_at limit $1`,
    [limit],
  );
  return rows.map(({ callId }) => callId);
}

/** Answered calls that have had a final status for a while, and whose cost is not known. */
export async function listUncharged(client: Queryable, limit: number): Promise<{ id: string }[]> {
  return selectRows(
    client,
    `select calls.id from holds join calls on calls.id = holds.call_id
     where holds.state = 'held' and calls.ended_at < now() - interval '1 hour'
       and calls.answered_at is not null and calls.cost is null
     order by holds.updated_at limit $1`,
    [limit],
  );
}
