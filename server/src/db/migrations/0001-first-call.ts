/** Workspaces, agents, trunks, numbers, calls and what is needed to run them. */
export const sql = `
create table workspaces (
  id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table api_keys (
  id text primary key,
  workspace_id text not null references workspaces,
  name text not null,
  key_hash bytea not null unique,
  prefix text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);

create table agents (
  id text primary key,
  workspace_id text not null references workspaces,
  config jsonb not null,
  secrets jsonb not null default '{}',
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index agents_by_workspace on agents (workspace_id, id) where deleted_at is null;

create table trunks (
  id text primary key,
  workspace_id text not null references workspaces,
  name text not null,
  active boolean not null default true,
  sandbox boolean not null default false,
  auth_username text,
  auth_password_sealed text,
  from_domain text,
  codecs text[] not null default '{PCMU,PCMA}',
  headers jsonb not null default '{}',
  ring_timeout_ms int not null default 60000,
  media_timeouts jsonb not null default '{"first_packet_ms":30000,"lost_ms":60000,"hold_ms":1800000}',
  allowed_sources text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index trunks_by_workspace on trunks (workspace_id, id) where deleted_at is null;

create table gateways (
  id bigserial primary key,
  trunk_id text not null references trunks,
  host text not null,
  port int not null,
  transport text not null check (transport in ('udp', 'tcp')),
  priority int not null,
  unique (trunk_id, priority)
);

create table numbers (
  id text primary key,
  workspace_id text not null references workspaces,
  e164 text not null unique,
  trunk_id text not null references trunks,
  agent_id text references agents,
  created_at timestamptz not null default now()
);
create index numbers_by_workspace on numbers (workspace_id, id);
create index numbers_by_trunk on numbers (trunk_id);

create table nodes (
  id text primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);

create table calls (
  id text primary key,
  workspace_id text not null references workspaces,
  agent_id text references agents,
  trunk_id text references trunks,
  direction text not null check (direction in ('outbound', 'inbound')),
  from_number text not null,
  to_number text not null,
  status text not null check (status in (
    'scheduled', 'queued', 'rescheduled', 'initiated', 'ringing', 'in-progress',
    'call-disconnected', 'completed', 'no-answer', 'busy', 'failed', 'canceled', 'stopped',
    'error', 'balance-low')),
  end_reason text,
  ended_by text check (ended_by in ('caller', 'callee', 'agent', 'api', 'system', 'carrier')),
  answered_by text,
  sip_code int,
  sip_reason text,
  variables jsonb not null default '{}',
  idempotency_key text,
  node_id text references nodes on delete set null,
  scheduled_at timestamptz,
  queued_at timestamptz,
  initiated_at timestamptz,
  ringing_at timestamptz,
  answered_at timestamptz,
  first_agent_audio_at timestamptz,
  disconnected_at timestamptz,
  ended_at timestamptz,
  recording_key text,
  recording_duration_ms int,
  outcome jsonb not null default '{}',
  media jsonb,
  usage jsonb,
  cost jsonb,
  last_event_sequence int not null default 0,
  created_at timestamptz not null default now(),
  unique (workspace_id, idempotency_key)
);
create index calls_by_workspace on calls (workspace_id, id desc);
create index calls_by_agent on calls (agent_id, id desc);
create index calls_scheduled on calls (scheduled_at) where status = 'scheduled';
create index calls_live on calls (node_id, status) where status in
  ('queued', 'initiated', 'ringing', 'in-progress', 'call-disconnected');

-- One row per INVITE that may ever leave; its SIP identity is fixed before the INVITE exists.
create table attempts (
  id text primary key,
  workspace_id text not null references workspaces,
  call_id text not null references calls,
  sequence int not null,
  gateway_id bigint references gateways on delete set null,
  gateway text not null,
  sip_call_id text not null unique,
  state text not null check (state in ('dialing', 'answered', 'failed', 'interrupted', 'done')),
  node_id text references nodes on delete set null,
  dialog jsonb,
  sip_code int,
  sip_reason text,
  reason_header text,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (call_id, sequence)
);
create index attempts_by_node on attempts (node_id) where state in ('dialing', 'answered');

create table turns (
  id text primary key,
  workspace_id text not null references workspaces,
  call_id text not null references calls,
  sequence int not null,
  speaker text not null check (speaker in ('caller', 'agent')),
  text text not null,
  started_ms int not null,
  ended_ms int not null,
  interrupted boolean not null default false,
  confidence real,
  latency jsonb,
  unique (call_id, sequence)
);

create table call_events (
  id bigserial primary key,
  workspace_id text not null references workspaces,
  call_id text not null references calls,
  sequence int not null,
  type text not null,
  data jsonb not null,
  created_at timestamptz not null default now(),
  unique (call_id, sequence)
);
create index call_events_by_workspace on call_events (workspace_id, id);

-- Rates are data: micros of the workspace's currency per unit.
create table rates (
  kind text not null check (kind in ('platform', 'network', 'transcriber', 'model', 'synthesizer')),
  provider text not null,
  unit text not null check (unit in ('minute', 'character', 'input_token', 'output_token')),
  micros_per_unit bigint not null,
  primary key (kind, provider, unit)
);
`;
