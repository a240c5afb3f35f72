/**
 * Sub-accounts and what a workspace may do; keys with scopes, an end and a secret of their own; keys
 * of providers that all agents of a workspace share.
 */
export const sql = `
alter table workspaces add column parent_id text references workspaces;
alter table workspaces add column currency text not null default 'USD';
alter table workspaces add column timezone text not null default 'UTC';
alter table workspaces add column max_concurrent_calls int check (max_concurrent_calls > 0);
alter table workspaces add column updated_at timestamptz not null default now();
alter table workspaces add column deleted_at timestamptz;
create index workspaces_by_parent on workspaces (parent_id, id) where deleted_at is null;

-- A pair of kind livekit: its name travels in every token, its secret signs them and is never sent.
alter table api_keys alter column key_hash drop not null;
alter table api_keys add column kind text not null default 'api' check (kind in ('api', 'livekit'));
alter table api_keys add column scopes text[] not null default '{admin}';
alter table api_keys add column expires_at timestamptz;
alter table api_keys add column livekit_key text unique;
alter table api_keys add column secret_sealed text;
alter table api_keys add constraint api_keys_kind_fields check (
  (kind = 'api' and key_hash is not null and livekit_key is null and secret_sealed is null) or
  (kind = 'livekit' and key_hash is null and livekit_key is not null and secret_sealed is not null));
create index api_keys_by_workspace on api_keys (workspace_id, id);

-- What a workspace used in a range of time.
create index calls_by_workspace_time on calls (workspace_id, created_at);

create table provider_keys (
  id text primary key,
  workspace_id text not null references workspaces,
  provider text not null,
  secret_sealed text not null,
  last4 text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (workspace_id, provider)
);
`;
