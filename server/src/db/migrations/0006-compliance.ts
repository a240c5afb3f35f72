/** What guards calls: settings, do-not-call lists, consents, exceptions and the pace of dialling. */
export const sql = `
create table guardrail_settings (
  workspace_id text primary key references workspaces,
  settings jsonb not null default '{}',
  paused_at timestamptz,
  paused_reason text,
  anomalies_checked_at timestamptz,
  updated_at timestamptz not null default now()
);

-- 'workspace', a campaign's own, or an uploaded national registry.
create table do_not_call_lists (
  workspace_id text not null references workspaces,
  id text not null,
  kind text not null check (kind in ('workspace', 'campaign', 'registry')),
  country text,
  imported_at timestamptz not null default now(),
  primary key (workspace_id, id)
);

create table do_not_call (
  workspace_id text not null,
  list_id text not null,
  number text not null,
  source text not null,
  call_id text,
  note text,
  created_at timestamptz not null default now(),
  primary key (workspace_id, number, list_id),
  foreign key (workspace_id, list_id) references do_not_call_lists on delete cascade
);
create index do_not_call_by_list on do_not_call (workspace_id, list_id, number);

-- What calls of whole hours cost, so that a cap of a month adds up a few hundred rows. The scope
-- 'rolled' says which hours are done; 'workspace', 'trunk:...' and 'key:...' are whose they are.
create table spend_hours (
  workspace_id text not null references workspaces,
  scope text not null,
  hour timestamptz not null,
  micros bigint not null,
  primary key (workspace_id, scope, hour)
);

create index holds_settled on holds (workspace_id, updated_at) where state = 'settled';
create index holds_held on holds (workspace_id) where state = 'held';

create table consents (
  id text primary key,
  workspace_id text not null references workspaces,
  number text not null,
  purpose text not null check (purpose in ('service', 'promotional', 'recording')),
  source text not null,
  text_hash text,
  obtained_at timestamptz not null,
  revoked_at timestamptz,
  created_at timestamptz not null default now()
);
create index consents_by_number on consents (workspace_id, number, purpose);

-- An exception that an administrator made, and each call that used it.
create table guardrail_overrides (
  id text primary key,
  workspace_id text not null references workspaces,
  number text not null,
  rules text[] not null,
  reason text not null,
  key_id text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index guardrail_overrides_by_number on guardrail_overrides (workspace_id, number);

create table guardrail_override_uses (
  id bigserial primary key,
  workspace_id text not null references workspaces,
  override_id text not null references guardrail_overrides,
  rule text not null,
  stage text not null,
  call_id text,
  used_at timestamptz not null default now()
);
create index guardrail_override_uses_by_override on guardrail_override_uses (override_id, id);

-- One row a trunk, workspace or country: when the next INVITE may leave, and the tail of its queue.
create table call_pace (
  workspace_id text not null references workspaces,
  scope text not null,
  next_at timestamptz not null,
  queue_at timestamptz not null,
  primary key (workspace_id, scope)
);

-- Attempts are counted by the callee, whichever trunk or campaign made them.
create index calls_by_callee on calls (workspace_id, to_number, initiated_at desc)
  where direction = 'outbound' and initiated_at is not null;
`;
