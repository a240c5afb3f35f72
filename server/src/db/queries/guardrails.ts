import { hot } from '../hot-statements.ts';
import type { Queryable } from './queryable.ts';
import { requireOne, selectOne, selectRows } from './row.ts';
import { storableJson } from './storable-text.ts';
import { LIVE_ATTEMPTS } from './zentrunk-attempts.ts';

export interface FactKey {
  workspaceId: string;
  trunk: { id: string; sandbox: boolean };
  from: string;
  to: string;
  campaignId: string | null;
  now: Date;
  /** Which locks are taken until the transaction ends. */
  lock: { spend: boolean; destination: boolean };
}

/** What rules judge by that no call at the same moment changes. */
export interface FactRow {
  /** As stored; null: nothing was set. */
  settings: unknown;
  pausedReason: string | null;
  fromIsOnTrunk: boolean;
  /** One number of each range of the trunk. */
  trunkNumbers: string[];
  /** Dearest minute of the destination, among the rates of its longest prefix. */
  microsPerMinute: number;
  listed: { id: string; kind: 'workspace' | 'campaign' | 'registry' }[];
  registries: { country: string | null; importedAtMs: number }[];
  /** Purposes that the callee agreed to. */
  consents: string[];
  overrides: { id: string; rules: string[]; reason: string }[];
}

/**
 * Everything but counts, and the locks for these: what is counted next, by a statement of its own,
 * sees what was committed before the locks were given.
 */
export async function loadFacts(client: Queryable, key: FactKey): Promise<FactRow> {
  return requireOne(
    client,
    hot(`with locks as (select
       case when $7 and (select s.settings ? 'spend_caps' from guardrail_settings s
           where s.workspace_id = $1)
         then pg_advisory_xact_lock(hashtextextended('guardrail-spend:' || $1, 0))::text end,
       case when $8 then
         pg_advisory_xact_lock(hashtextextended('guardrail-to:' || $1 || ':' || $4, 0))::text end)
     select locks.*,
       (select settings from guardrail_settings where workspace_id = $1) as settings,
       (select coalesce(paused_reason, 'unusual traffic') from guardrail_settings
         where workspace_id = $1 and paused_at is not null) as paused_reason,
       exists (select from numbers
         where workspace_id = $1 and e164 = $3 and (trunk_id = $2 or exists (select from trunks
           where id = $2 and workspace_id = $1 and door_data->'shared_numbers' ? $3)))
         as from_is_on_trunk,
       array(select distinct on (left(e164, 6)) e164 from
         (select e164 from numbers where workspace_id = $1 and trunk_id = $2 limit 500) own
       ) as trunk_numbers,
       coalesce((select r.micros_per_unit from (
           select prefix, micros_per_unit from rates where kind = 'network' and unit = 'minute'
           union all
           select prefix, micros_per_unit from workspace_rates
             where workspace_id = $1 and kind = 'network' and unit = 'minute') r
         where starts_with(substr($4, 2), r.prefix)
         order by length(r.prefix) desc, r.micros_per_unit desc limit 1), 0)::float8
         as micros_per_minute,
       coalesce((select json_agg(json_build_object('id', l.id, 'kind', l.kind))
         from do_not_call n
         join do_not_call_lists l on l.workspace_id = n.workspace_id and l.id = n.list_id
         where n.workspace_id = $1 and n.number = $4
           and (l.kind <> 'campaign' or l.id = $5)), '[]') as listed,
       coalesce((select json_agg(json_build_object('country', country,
           'importedAtMs', extract(epoch from imported_at) * 1000))
         from do_not_call_lists where workspace_id = $1 and kind = 'registry'), '[]')
         as registries,
       array(select distinct purpose from consents
         where workspace_id = $1 and number = $4 and revoked_at is null
           and obtained_at <= $6) as consents,
       coalesce((select json_agg(json_build_object('id', id, 'rules', rules, 'reason', reason)
           order by created_at)
         from guardrail_overrides where workspace_id = $1 and number = $4
           and revoked_at is null and expires_at > $6), '[]') as overrides
     from locks`),
    [
      key.workspaceId,
      key.trunk.id,
      key.from,
      key.to,
      key.campaignId,
      key.now,
      key.lock.spend,
      key.lock.destination,
    ],
  );
}

export interface CountKey {
  workspaceId: string;
  trunkId: string;
  agentId: string | null;
  to: string;
  callId: string | null;
  keyId: string | null;
  /** Earlier attempts from then on are read; null: none are. */
  attemptsSince: Date | null;
  /** Spending from the month's, day's and hour's start; null: nothing is added up. */
  spendSince: { month: Date; day: Date; hour: Date; now: Date } | null;
}

export interface SpendRow {
  scope: 'workspace' | 'trunk' | 'key';
  month: number;
  day: number;
  hour: number;
}

/** What other calls make: who is live, who was called before, what was spent and reserved. */
export interface CountRow {
  live: { workspace: number; trunk: number; agent: number; destination: number };
  /** Newest first, at most 64 of agents and 64 of customers' trunks. */
  attempts: {
    atMs: number;
    status: string;
    endReason: string | null;
    rang: boolean;
    answered: boolean;
  }[];
  spends: SpendRow[];
  /** Of the call itself: what it has reserved, and what its next minute may cost. */
  reservedMicros: number;
  periodMicros: number;
}

/** Micros of a hold: charged, or still reserved. */
const HOLD_MICROS = `case h.state when 'settled' then h.settled_micros
  when 'held' then h.held_micros else 0 end`;

/** Spending by scope; asked for where a cap is set, for it is the dearest part. */
const SPENDS = `coalesce((select json_agg(s) from (
         select scope, sum(micros)::float8 as month,
           coalesce(sum(micros) filter (where at >= $9), 0)::float8 as day,
           coalesce(sum(micros) filter (where at >= $10), 0)::float8 as hour
         from (
           select split_part(scope, ':', 1) as scope, hour as at, micros from spend_hours
           where workspace_id = $1 and hour >= $8::timestamptz
             and scope in ('workspace', 'trunk:' || $2, 'key:' || $7)
           union all
           select scopes.scope, case h.state when 'held' then $11 else h.updated_at end,
             ${HOLD_MICROS}
           from holds h join calls c on c.id = h.call_id
           cross join lateral (values ('workspace', true), ('trunk', c.trunk_id = $2),
             ('key', c.api_key_id = $7)) scopes (scope, counts)
           where h.workspace_id = $1 and scopes.counts and h.call_id is distinct from $5
             and $8::timestamptz is not null
             and (h.state = 'held' or h.state = 'settled' and h.updated_at >= greatest($8,
               (select max(hour) + interval '1 hour' from spend_hours
                where workspace_id = $1 and scope = 'rolled')))
         ) spent group by scope) s), '[]')`;

export async function loadCounts(client: Queryable, key: CountKey): Promise<CountRow> {
  const { spendSince } = key;
  return requireOne(
    client,
    hot(`select
       (select json_build_object(
           'workspace', count(*),
           'trunk', count(*) filter (where trunk_id = $2),
           'agent', count(*) filter (where agent_id = $3),
           'destination', count(*) filter (where to_number = $4 and direction = 'outbound'))
         from (
           select trunk_id, agent_id, to_number, direction from calls
           where workspace_id = $1 and status in ('initiated', 'ringing', 'in-progress')
             and id is distinct from $5
           union all
           select trunk_id, null, to_number, 'outbound' from ${LIVE_ATTEMPTS}) running) as live,
       coalesce((select json_agg(a order by a."atMs" desc) from ((
         select extract(epoch from c.initiated_at)::float8 * 1000 as "atMs", c.status,
           c.end_reason as "endReason", c.ringing_at is not null as rang,
           c.answered_at is not null as answered
         from calls c left join trunks t on t.id = c.trunk_id
         where c.workspace_id = $1 and c.to_number = $4 and c.direction = 'outbound'
           and c.initiated_at > $6::timestamptz and c.id is distinct from $5
           and t.sandbox is not true
         order by c.initiated_at desc limit 64)
         union all
         (select extract(epoch from started_at)::float8 * 1000, status, end_reason, rang, answered
         from zentrunk_attempts
         where workspace_id = $1 and to_number = $4 and started_at > $6::timestamptz
         order by started_at desc limit 64)) a), '[]') as attempts,
       ${spendSince ? SPENDS : `'[]'::json`} as spends,
       coalesce((select h.held_micros::float8 from holds h
         where h.call_id = $5 and h.state = 'held'), 0) as reserved_micros,
       coalesce((select h.period_micros::float8 from holds h
         where h.call_id = $5 and h.state = 'held'), 0) as period_micros`),
    [
      key.workspaceId,
      key.trunkId,
      key.agentId,
      key.to,
      key.callId,
      key.attemptsSince,
      ...(spendSince
        ? [key.keyId, spendSince.month, spendSince.day, spendSince.hour, spendSince.now]
        : []),
    ],
  );
}

/** What each of a workspace's scopes spent and has reserved, by their ids, at one moment. */
export async function loadSpends(
  client: Queryable,
  workspaceId: string,
  scopes: readonly SpendRow['scope'][],
  since: NonNullable<CountKey['spendSince']>,
): Promise<(SpendRow & { scopeId: string })[]> {
  return selectRows(
    client,
    `select split_part(scope, ':', 1) as scope,
       coalesce(nullif(split_part(scope, ':', 2), ''), $1) as scope_id,
       sum(micros)::float8 as month,
       coalesce(sum(micros) filter (where at >= $3), 0)::float8 as day,
       coalesce(sum(micros) filter (where at >= $4), 0)::float8 as hour
     from (
       select scope, hour as at, micros from spend_hours
       where workspace_id = $1 and hour >= $2::timestamptz and scope <> 'rolled'
       union all
       select scopes.scope, case h.state when 'held' then $5 else h.updated_at end,
         ${HOLD_MICROS}
       from holds h join calls c on c.id = h.call_id
       cross join lateral (values ('workspace'), ('trunk:' || c.trunk_id),
         ('key:' || c.api_key_id)) scopes (scope)
       where h.workspace_id = $1 and scopes.scope is not null
         and (h.state = 'held' or h.state = 'settled' and h.updated_at >= greatest($2,
           (select max(hour) + interval '1 hour' from spend_hours
            where workspace_id = $1 and scope = 'rolled')))) spent
     where split_part(scope, ':', 1) = any($6::text[])
     group by scope`,
    [workspaceId, since.month, since.day, since.hour, since.now, scopes],
  );
}

/** Adds up the hours of this month that are over for so long that no charge can still fall in them. */
export async function rollUpSpend(
  client: Queryable,
  workspaceId: string,
  month: Date,
  now: Date,
): Promise<void> {
  await client.query(
    `with span as (
       select greatest($2::timestamptz, (select max(hour) + interval '1 hour' from spend_hours
           where workspace_id = $1 and scope = 'rolled')) as since,
         date_trunc('hour', $3::timestamptz, 'UTC') - interval '1 hour' as until),
     spent as (
       select scopes.scope, date_trunc('hour', h.updated_at, 'UTC') as hour,
         sum(h.settled_micros) as micros
       from span, holds h join calls c on c.id = h.call_id
       cross join lateral (values ('workspace'), ('trunk:' || c.trunk_id),
         ('key:' || c.api_key_id)) scopes (scope)
       where h.workspace_id = $1 and h.state = 'settled' and scopes.scope is not null
         and h.updated_at >= span.since and h.updated_at < span.until
       group by 1, 2)
     insert into spend_hours (workspace_id, scope, hour, micros)
     select $1, scope, hour, micros from spent
     union all
     select $1, 'rolled', until - interval '1 hour', 0 from span where until > since
     on conflict do nothing`,
    [workspaceId, month, now],
  );
}

export interface PaceRow {
  nextAtMs: number;
  queueAtMs: number;
}

/** The pace of a scope, locked until the transaction ends; null: nothing left yet. */
export async function lockPace(
  client: Queryable,
  workspaceId: string,
  scope: string,
  now: Date,
): Promise<PaceRow> {
  await client.query(
    `insert into call_pace (workspace_id, scope, next_at, queue_at) values ($1, $2, $3, $3)
     on conflict do nothing`,
    [workspaceId, scope, now],
  );
  return requireOne(
    client,
    `select extract(epoch from next_at)::float8 * 1000 as next_at_ms,
       extract(epoch from queue_at)::float8 * 1000 as queue_at_ms
     from call_pace where workspace_id = $1 and scope = $2 for update`,
    [workspaceId, scope],
  );
}

export async function setPace(
  client: Queryable,
  workspaceId: string,
  scope: string,
  pace: PaceRow,
): Promise<void> {
  await client.query(
    `update call_pace set next_at = to_timestamp($3::float8 / 1000),
       queue_at = to_timestamp($4::float8 / 1000)
     where workspace_id = $1 and scope = $2`,
    [workspaceId, scope, pace.nextAtMs, pace.queueAtMs],
  );
}

export interface SettingsRow {
  settings: Record<string, unknown>;
  pausedAt: Date | null;
  pausedReason: string | null;
  updatedAt: Date;
}

export async function getSettings(
  client: Queryable,
  workspaceId: string,
): Promise<SettingsRow | null> {
  return selectOne(
    client,
    `select settings, paused_at, paused_reason, updated_at from guardrail_settings
     where workspace_id = $1`,
    [workspaceId],
  );
}

/** The stored settings, locked for the transaction that changes them. */
export async function lockSettings(client: Queryable, workspaceId: string): Promise<SettingsRow> {
  await client.query(
    'insert into guardrail_settings (workspace_id) values ($1) on conflict do nothing',
    [workspaceId],
  );
  return requireOne(
    client,
    `select settings, paused_at, paused_reason, updated_at from guardrail_settings
     where workspace_id = $1 for update`,
    [workspaceId],
  );
}

export async function putSettings(
  client: Queryable,
  workspaceId: string,
  settings: Record<string, unknown>,
): Promise<void> {
  await client.query(
    `update guardrail_settings set settings = $2, updated_at = now() where workspace_id = $1`,
    [workspaceId, storableJson(settings)],
  );
}

/** Stops (with a reason) or resumes all calls of a workspace. */
export async function setPaused(
  client: Queryable,
  workspaceId: string,
  paused: { at: Date; reason: string } | null,
): Promise<void> {
  await client.query(
    `insert into guardrail_settings (workspace_id, paused_at, paused_reason) values ($1, $2, $3)
     on conflict (workspace_id) do update set paused_at = excluded.paused_at,
       paused_reason = excluded.paused_reason`,
    [workspaceId, paused?.at ?? null, paused?.reason ?? null],
  );
}

export async function hasConsent(
  client: Queryable,
  workspaceId: string,
  number: string,
  purpose: string,
): Promise<boolean> {
  const row = await selectOne(
    client,
    `select id from consents where workspace_id = $1 and number = $2 and purpose = $3
       and revoked_at is null limit 1`,
    [workspaceId, number, purpose],
  );
  return row !== null;
}
