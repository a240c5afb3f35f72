/** Endpoints of webhooks, what waits for them and what has become of it. */
export const sql = `
create table webhook_endpoints (
  id text primary key,
  workspace_id text not null references workspaces,
  -- Of one agent: made from the agent's own document by the trigger below.
  agent_id text references agents,
  url text not null,
  description text,
  format text not null,
  -- In the words of the format; empty: every event that the format has.
  events text[] not null default '{}',
  enabled boolean not null default true,
  secret_sealed text,
  previous_secret_sealed text,
  previous_secret_until timestamptz,
  failing_since timestamptz,
  disabled_at timestamptz,
  disabled_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index webhook_endpoints_by_workspace on webhook_endpoints (workspace_id, id)
  where deleted_at is null;
create index webhook_endpoints_enabled on webhook_endpoints (workspace_id)
  where enabled and deleted_at is null;
create unique index webhook_endpoints_by_agent on webhook_endpoints (agent_id)
  where agent_id is not null;

-- The outbox and the record of deliveries at once: a row is written with the change that it tells
-- of, and stays after it was delivered. seq orders what has the same order_key: the row lock of a
-- call's event counter makes its numbers grow in the order of the commits.
create table webhook_deliveries (
  id text primary key default 'delivery_'
    || lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
    || substr(replace(gen_random_uuid()::text, '-', ''), 1, 14),
  seq bigint generated always as identity,
  workspace_id text not null,
  endpoint_id text not null references webhook_endpoints,
  order_key text not null,
  event_type text not null,
  event_sequence int,
  event_at timestamptz not null default now(),
  event_data jsonb not null,
  state text not null default 'pending'
    check (state in ('pending', 'delivered', 'failed', 'skipped')),
  -- -infinity: as soon as may be, by nobody's clock.
  next_at timestamptz not null default '-infinity',
  retry_step int not null default 0,
  attempt_count int not null default 0,
  attempts jsonb not null default '[]',
  finished_at timestamptz
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, next_at, seq)
  where state = 'pending';
-- What is pending is not finished. The two conditions mean the same and are two on purpose: each
-- question can be answered by its own index only, whatever the planner believes of a table that
-- changes faster than it is analysed.
create index webhook_deliveries_order on webhook_deliveries (endpoint_id, order_key, seq)
  where finished_at is null;
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id, id);

-- Which node delivers to an endpoint: one at a time, so that the order of a call's events holds.
create table webhook_leases (
  endpoint_id text primary key references webhook_endpoints on delete cascade,
  node_id text not null,
  until timestamptz not null
);

-- An agent's document names its webhook, whichever door has written it.
create function sync_agent_webhook() returns trigger language plpgsql as $$
declare
  webhook jsonb := case when new.deleted_at is null then new.config -> 'webhook' end;
begin
  if jsonb_typeof(webhook) is distinct from 'object' then
    update webhook_endpoints set enabled = false, deleted_at = now(), updated_at = now()
    where agent_id = new.id and deleted_at is null;
    return null;
  end if;
  insert into webhook_endpoints (id, workspace_id, agent_id, url, format, events)
  values ('webhook_' || substr(new.id, 7), new.workspace_id, new.id, webhook ->> 'url',
    coalesce(webhook ->> 'format', 'trunkline'),
    array(select jsonb_array_elements_text(coalesce(webhook -> 'events', '[]'))))
  on conflict (agent_id) where agent_id is not null do update set
    url = excluded.url, format = excluded.format, events = excluded.events,
    enabled = true, deleted_at = null, disabled_at = null, disabled_reason = null,
    failing_since = null, updated_at = now()
  where webhook_endpoints.deleted_at is not null
    or (webhook_endpoints.url, webhook_endpoints.format, webhook_endpoints.events)
      is distinct from (excluded.url, excluded.format, excluded.events);
  return null;
end $$;
create trigger agents_webhook after insert or update of config, deleted_at on agents
  for each row execute function sync_agent_webhook();
`;
