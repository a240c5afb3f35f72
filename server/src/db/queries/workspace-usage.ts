import type { Queryable } from './queryable.ts';
import { requireOne, selectRows } from './row.ts';

/** Calls that were created from `from` on and before `to`. */
export interface UsageRange {
  from: Date;
  to: Date;
}

/** What a workspace used in a range. */
export interface Usage {
  callCount: number;
  /** Sum over answered calls, each from its answer to its end. */
  durationMs: number;
  costMicros: number;
  /** Micros by kind: platform, network, transcriber, model, synthesizer. */
  costByKind: Record<string, number>;
  callsByStatus: Record<string, number>;
  callsByDirection: Record<string, number>;
}

const IN_RANGE = 'workspace_id = $1 and created_at >= $2 and created_at < $3';

export async function summarize(
  client: Queryable,
  workspaceId: string,
  range: UsageRange,
): Promise<Usage> {
  const values = [workspaceId, range.from, range.to];
  const groups = await selectRows<{
    status: string;
    direction: string;
    calls: number;
    durationMs: number;
    costMicros: number;
  }>(
    client,
    `select status, direction, count(*) as calls,
       coalesce(sum(duration_ms), 0)::bigint as duration_ms,
       coalesce(sum((cost->>'total_micros')::bigint), 0)::bigint as cost_micros
     from calls where ${IN_RANGE} group by status, direction`,
    values,
  );
  const kinds = await selectRows<{ kind: string; micros: number }>(
    client,
    `select line->>'kind' as kind, sum((line->>'micros')::bigint)::bigint as micros
     from calls, jsonb_array_elements(cost->'lines') as line
     where ${IN_RANGE} group by 1 order by 1`,
    values,
  );
  return {
    callCount: sum(groups.map((group) => group.calls)),
    durationMs: sum(groups.map((group) => group.durationMs)),
    costMicros: sum(groups.map((group) => group.costMicros)),
    costByKind: Object.fromEntries(kinds.map(({ kind, micros }) => [kind, micros])),
    callsByStatus: countBy(groups, (group) => group.status),
    callsByDirection: countBy(groups, (group) => group.direction),
  };
}

export async function hasCalls(client: Queryable, workspaceId: string): Promise<boolean> {
  return answer(client, 'exists (select from calls where workspace_id = $1)', workspaceId);
}

/** Whether anything was booked or priced in the workspace's currency. */
export async function hasMoney(client: Queryable, workspaceId: string): Promise<boolean> {
  return answer(
    client,
    `exists (select from ledger_entries where workspace_id = $1)
       or exists (select from workspace_rates where workspace_id = $1)`,
    workspaceId,
  );
}

/** Whether a call waits, is live or is still being worked on. */
export async function hasUnfinishedCalls(client: Queryable, workspaceId: string): Promise<boolean> {
  return answer(
    client,
    `exists (select from calls where workspace_id = $1 and status in ('scheduled', 'queued',
       'rescheduled', 'initiated', 'ringing', 'in-progress', 'call-disconnected'))`,
    workspaceId,
  );
}

/**
 * Deletes the trunks of a workspace that is deleted, and their numbers: a number belongs to one
 * workspace of all, and another may have it now.
 */
export async function releaseTrunks(client: Queryable, workspaceId: string): Promise<void> {
  await client.query('delete from numbers where workspace_id = $1', [workspaceId]);
  await client.query(
    `update trunks set active = false, deleted_at = now(), updated_at = now()
     where workspace_id = $1 and deleted_at is null`,
    [workspaceId],
  );
}

async function answer(
  client: Queryable,
  expression: string,
  workspaceId: string,
): Promise<boolean> {
  const { yes } = await requireOne<{ yes: boolean }>(client, `select ${expression} as yes`, [
    workspaceId,
  ]);
  return yes;
}

function countBy<Group extends { calls: number }>(
  groups: readonly Group[],
  keyOf: (group: Group) => string,
): Record<string, number> {
  const counts = new Map<string, number>();
  for (const group of groups) {
    counts.set(keyOf(group), (counts.get(keyOf(group)) ?? 0) + group.calls);
  }
  return Object.fromEntries(counts);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
