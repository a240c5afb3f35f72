import type { Queryable } from './queryable.ts';
import { countTouched, selectRows } from './row.ts';

/** One share of one cap in one period. */
export interface SpendWarningRow {
  /** `workspace`, `trunk:...` or `key:...`. */
  scope: string;
  period: 'hour' | 'day' | 'month';
  periodStartedAt: Date;
  thresholdPercent: number;
  capMicros: number;
}

/**
 * Workspaces with spend caps whose spending may have changed since it was last looked at: money is
 * reserved, was charged, or the settings are new. A transaction that was open a minute is not missed.
 */
export async function listSpending(
  client: Queryable,
  now: Date,
  periodMs: number,
): Promise<string[]> {
  const rows = await selectRows<{ workspaceId: string }>(
    client,
    `select s.workspace_id from guardrail_settings s
     left join spend_looks l on l.workspace_id = s.workspace_id
     where s.settings ? 'spend_caps'
       and (l.looked_at is null or l.looked_at <= $1::timestamptz - $2 * interval '1 ms')
       and (l.looked_at is null or s.updated_at > l.looked_at - interval '1 minute'
         or exists (select from holds h where h.workspace_id = s.workspace_id
           and h.state = 'held')
         or exists (select from holds h where h.workspace_id = s.workspace_id
           and h.state = 'settled' and h.updated_at > l.looked_at - interval '1 minute'))`,
    [now, periodMs],
  );
  return rows.map(({ workspaceId }) => workspaceId);
}

/** Whether it is this caller's turn to look at a workspace's spending; others wait until it is done. */
export async function takeSpendTurn(
  client: Queryable,
  workspaceId: string,
  now: Date,
  periodMs: number,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `insert into spend_looks (workspace_id, looked_at) values ($1, $2)
     on conflict (workspace_id) do update set looked_at = excluded.looked_at
       where spend_looks.looked_at <= excluded.looked_at - $3 * interval '1 ms'`,
    [workspaceId, now, periodMs],
  );
  return touched > 0;
}

/** Lets a threshold be told again where spending is below it because its cap was raised. */
export async function rearm(
  client: Queryable,
  workspaceId: string,
  below: readonly SpendWarningRow[],
): Promise<void> {
  if (below.length === 0) return;
  await client.query(
    `delete from spend_warnings w
     using unnest($2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::bigint[])
       as b (scope, period, period_started_at, threshold_percent, cap_micros)
     where w.workspace_id = $1 and w.scope = b.scope and w.period = b.period
       and w.period_started_at = b.period_started_at
       and w.threshold_percent = b.threshold_percent and w.cap_micros < b.cap_micros`,
    [workspaceId, ...columns(below)],
  );
}

/** Keeps that these are told, and answers those that were not told before. */
export async function insertNew(
  client: Queryable,
  workspaceId: string,
  reached: readonly SpendWarningRow[],
): Promise<Pick<SpendWarningRow, 'scope' | 'period' | 'thresholdPercent'>[]> {
  if (reached.length === 0) return [];
  return selectRows(
    client,
    `insert into spend_warnings
       (workspace_id, scope, period, period_started_at, threshold_percent, cap_micros)
     select $1, * from unnest($2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::bigint[])
     on conflict do nothing
     returning scope, period, threshold_percent`,
    [workspaceId, ...columns(reached)],
  );
}

/** Forgets what was told of periods that are over. */
export async function removeOld(
  client: Queryable,
  workspaceId: string,
  starts: Record<SpendWarningRow['period'], Date>,
): Promise<void> {
  // The period before stays: a node whose clock is late may still be in it.
  await client.query(
    `delete from spend_warnings where workspace_id = $1 and (
       period = 'hour' and period_started_at < $2::timestamptz - interval '1 hour'
       or period = 'day' and period_started_at < $3::timestamptz - interval '1 day'
       or period = 'month' and period_started_at < $4::timestamptz - interval '1 month')`,
    [workspaceId, starts.hour, starts.day, starts.month],
  );
}

function columns(rows: readonly SpendWarningRow[]): unknown[][] {
  return [
    rows.map(({ scope }) => scope),
    rows.map(({ period }) => period),
    rows.map(({ periodStartedAt }) => periodStartedAt),
    rows.map(({ thresholdPercent }) => thresholdPercent),
    rows.map(({ capMicros }) => capMicros),
  ];
}
