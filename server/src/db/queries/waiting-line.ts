import type { Queryable } from './queryable.ts';
import { requireOne, selectRows } from './row.ts';

/** What queued calls wait for. */
export interface LineKey {
  /** As stored: `trunk:trunk_...`. */
  text: string;
  /** `workspace`, `trunk`, `agent`, or `pace` of a trunk. */
  kind: string;
  id: string;
  workspaceId: string;
}

const MAX_KEYS = 500;
const COLUMN_OF: Readonly<Record<string, string>> = {
  workspace: 'workspace_id',
  trunk: 'trunk_id',
  agent: 'agent_id',
};

/** Puts a call aside, unless it is not queued any more. */
export async function park(client: Queryable, callId: string, key: string): Promise<void> {
  await client.query(`update calls set parked_for = $2 where id = $1 and status = 'queued'`, [
    callId,
    key,
  ]);
}

/** Everything that calls wait for now. Reads one row a key, however many calls wait. */
export async function keys(client: Queryable): Promise<LineKey[]> {
  const rows = await selectRows<{ key: string; workspaceId: string }>(
    client,
    `with recursive line (key, workspace_id) as (
       (select parked_for, workspace_id from calls
        where status = 'queued' and parked_for is not null order by parked_for limit 1)
       union all
       select next.parked_for, next.workspace_id from line cross join lateral (
         select parked_for, workspace_id from calls
         where status = 'queued' and parked_for is not null and parked_for > line.key
         order by parked_for limit 1) next)
     select key, workspace_id from line limit ${MAX_KEYS}`,
  );
  return rows.map(({ key, workspaceId }) => {
    const colon = key.indexOf(':');
    return { text: key, kind: key.slice(0, colon), id: key.slice(colon + 1), workspaceId };
  });
}

/** Lets the oldest calls of a key out of the line; their ids. Run it in a transaction. */
export async function release(client: Queryable, key: string, limit: number): Promise<string[]> {
  const rows = await selectRows<{ id: string }>(
    client,
    `update calls set parked_for = null where id in (
       select id from calls where status = 'queued' and parked_for = $1
       order by queued_at limit $2 for update skip locked)
     returning id`,
    [key, limit],
  );
  return rows.map(({ id }) => id).sort();
}

/** Calls that are being dialled or spoken, or are let out of the line, under a key. */
export async function inFlight(client: Queryable, key: LineKey): Promise<number> {
  const column = COLUMN_OF[key.kind];
  if (column === undefined) return 0;
  const { count } = await requireOne<{ count: number }>(
    client,
    `select count(*)::int as count from calls where workspace_id = $1 and ${column} = $2
       and status in ('queued', 'initiated', 'ringing', 'in-progress')
       and (status <> 'queued' or parked_for is null)`,
    [key.workspaceId, key.id],
  );
  return count;
}

/** How far ahead of now the next free turn of a trunk's line of INVITEs is. */
export async function aheadMs(client: Queryable, trunkId: string): Promise<number> {
  const { ms } = await requireOne<{ ms: number }>(
    client,
    `select coalesce((select greatest(0, extract(epoch from next_at - clock_timestamp()) * 1000)
       from trunk_pacing where trunk_id = $1), 0)::float8 as ms`,
    [trunkId],
  );
  return ms;
}
