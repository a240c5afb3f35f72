import type { Queryable } from './queryable.ts';
import { countTouched, requireOne, selectRows } from './row.ts';

/** Whether it is this caller's turn to look for unusual traffic: once a minute a workspace. */
export async function takeAnomalyTurn(
  client: Queryable,
  workspaceId: string,
  now: Date,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `insert into guardrail_settings (workspace_id, anomalies_checked_at) values ($1, $2)
     on conflict (workspace_id) do update set anomalies_checked_at = excluded.anomalies_checked_at
       where guardrail_settings.anomalies_checked_at is null
         or guardrail_settings.anomalies_checked_at <= excluded.anomalies_checked_at - interval '1 minute'`,
    [workspaceId, now],
  );
  return touched > 0;
}

/** Calls of trunk customers that went out by a real carrier: not to the sandbox, and not refused. */
const OVER_CARRIERS = `direction = 'outbound' and guardrail is null
  and hangup_source <> 'zentrunk' and to_number !~ '^[+]?1500555'`;

/** Figures of the latest outbound calls of a workspace over real trunks. */
export interface AnomalyRow {
  /** Of the newest calls, that are over. */
  calls: number;
  answered: number;
  /** Answered and not longer than the limit. */
  short: number;
  /** Numbers called within the last hour. */
  recentNumbers: string[];
  /** Seconds spoken to numbers with the same first digits: this hour, and all 7 days. */
  spoken: { number: string; hourS: number; weekS: number }[];
  /** Calls that left within the last hour. */
  lastHour: number;
  /** Calls that left in each UTC hour of the week, up to the one in which the last hour began. */
  weekHours: { startedAtMs: number; calls: number }[];
}

export async function loadAnomalies(
  client: Queryable,
  key: {
    workspaceId: string;
    sampleCalls: number;
    shortCallS: number;
    hour: Date;
    week: Date;
    /** Ids of calls that were made since then are not less. */
    weekId: string;
  },
): Promise<AnomalyRow> {
  return requireOne(
    client,
    `with recent as (
       select c.status, c.to_number, c.initiated_at, c.answered_at, c.duration_ms
       from calls c join trunks t on t.id = c.trunk_id
       where c.workspace_id = $1 and c.direction = 'outbound' and not t.sandbox and c.id >= $5
         and c.initiated_at is not null
       union all
       select 'completed', to_number, initiated_at, answered_at, bill_duration_s * 1000
       from zentrunk_calls
       where workspace_id = $1 and ended_at >= $6 and initiated_at >= $6 and ${OVER_CARRIERS}),
     sample as (
       select answered_at, duration_ms from recent
       where status not in ('scheduled', 'queued', 'rescheduled', 'initiated', 'ringing', 'in-progress')
       order by initiated_at desc limit $2)
     select (select count(*)::int from sample) as calls,
       (select count(*)::int from sample where answered_at is not null) as answered,
       (select count(*)::int from sample
         where answered_at is not null and duration_ms <= $3 * 1000) as short,
       array(select to_number from recent where initiated_at >= $4
         order by initiated_at desc limit 500) as recent_numbers,
       coalesce((select json_agg(s) from (
         select min(to_number) as number,
           coalesce(sum(duration_ms) filter (where answered_at >= $4), 0)::float8 / 1000 as "hourS",
           sum(duration_ms)::float8 / 1000 as "weekS"
         from recent where duration_ms > 0 group by left(to_number, 5) limit 1000) s), '[]')
         as spoken,
       (select count(*)::int from recent where initiated_at >= $4) as last_hour,
       coalesce((select json_agg(h) from (
         select extract(epoch from date_trunc('hour', initiated_at, 'UTC'))::float8 * 1000
             as "startedAtMs", count(*)::int as calls
         from recent where initiated_at < date_trunc('hour', $4::timestamptz, 'UTC')
         group by 1) h), '[]') as week_hours`,
    [key.workspaceId, key.sampleCalls, key.shortCallS, key.hour, key.weekId, key.week],
  );
}

/**
 * Workspaces that called over a real trunk since then.
 * @param sinceId ids of calls that were made since then are not less.
 */
export async function callingWorkspaces(
  client: Queryable,
  sinceId: string,
  since: Date,
): Promise<string[]> {
  const rows = await selectRows<{ workspaceId: string }>(
    client,
    `select c.workspace_id from calls c join trunks t on t.id = c.trunk_id
     where c.direction = 'outbound' and not t.sandbox and c.id >= $1
     union select workspace_id from zentrunk_attempts where started_at >= $2`,
    [sinceId, since],
  );
  return rows.map(({ workspaceId }) => workspaceId);
}

/** How a trunk's calls of a period went. */
export interface TrafficRow {
  trunkId: string;
  name: string;
  calls: number;
  answered: number;
  /** Average of answered calls. */
  averageDurationMs: number | null;
  /** From the INVITE to the first ringing, average. */
  averagePddMs: number | null;
  zero: number;
  upTo6S: number;
  upTo12S: number;
  upTo30S: number;
}

/** Outbound calls since `sinceId`, by trunk; null: of every workspace. */
export async function trafficQuality(
  client: Queryable,
  workspaceId: string | null,
  sinceId: string,
): Promise<TrafficRow[]> {
  return selectRows(
    client,
    `select t.id as trunk_id, t.name, count(*)::int as calls,
       count(c.answered_at)::int as answered,
       avg(c.duration_ms) filter (where c.answered_at is not null)::float8 as average_duration_ms,
       avg(extract(epoch from c.ringing_at - c.initiated_at) * 1000)::float8 as average_pdd_ms,
       count(*) filter (where c.answered_at is not null and c.duration_ms < 1000)::int as zero,
       count(*) filter (where c.answered_at is not null and c.duration_ms <= 6000)::int as "upTo6S",
       count(*) filter (where c.answered_at is not null and c.duration_ms <= 12000)::int as "upTo12S",
       count(*) filter (where c.answered_at is not null and c.duration_ms <= 30000)::int as "upTo30S"
     from calls c join trunks t on t.id = c.trunk_id
     where c.direction = 'outbound' and c.initiated_at is not null and c.id >= $2
       and ($1::text is null or c.workspace_id = $1)
       and c.status not in ('scheduled', 'queued', 'rescheduled', 'initiated', 'ringing', 'in-progress')
     group by t.id, t.name order by t.id limit 1000`,
    [workspaceId, sinceId],
  );
}
