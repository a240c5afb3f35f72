/** The trunk service: what customers' PBXs and AI platforms sign in with, where calls to them go, and records of calls. */
export const sql = `
create table zentrunk_credentials (
  id uuid primary key,
  workspace_id text not null references workspaces,
  name text not null default '',
  username text not null,
  password_sealed text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index zentrunk_credentials_by_workspace on zentrunk_credentials (workspace_id, created_at desc, id);
create index zentrunk_credentials_by_username on zentrunk_credentials (username);

create table zentrunk_ip_acls (
  id uuid primary key,
  workspace_id text not null references workspaces,
  name text not null default '',
  ip_addresses text[] not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index zentrunk_ip_acls_by_workspace on zentrunk_ip_acls (workspace_id, created_at desc, id);

create table zentrunk_uris (
  id uuid primary key,
  workspace_id text not null references workspaces,
  name text not null default '',
  uri text not null,
  authentication_needed boolean not null default false,
  username text,
  password_sealed text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index zentrunk_uris_by_workspace on zentrunk_uris (workspace_id, created_at desc, id);

-- A credential or a list that is deleted stays named here: the trunk lets nobody in until it gets another.
create table zentrunk_trunks (
  id text primary key check (id ~ '^[0-9]{14,18}$'),
  workspace_id text not null references workspaces,
  name text not null default '',
  direction text not null check (direction in ('outbound', 'inbound')),
  enabled boolean not null default true,
  secure boolean not null default false,
  ipacl_uuid uuid,
  credential_uuid uuid,
  primary_uri_uuid uuid,
  fallback_uri_uuid uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index zentrunk_trunks_by_workspace on zentrunk_trunks (workspace_id, created_at desc, id);
create index zentrunk_trunks_by_credential on zentrunk_trunks (credential_uuid);

create table zentrunk_numbers (
  number_id text primary key references numbers on delete cascade,
  workspace_id text not null references workspaces,
  trunk_id text not null references zentrunk_trunks on delete cascade
);
create index zentrunk_numbers_by_trunk on zentrunk_numbers (trunk_id);

create table zentrunk_calls (
  id uuid primary key,
  workspace_id text not null references workspaces,
  -- Stays when the trunk is deleted.
  trunk_id text not null,
  trunk_domain text not null,
  sip_call_id text not null,
  direction text not null check (direction in ('outbound', 'inbound')),
  from_number text not null,
  to_number text not null,
  from_country text,
  to_country text,
  initiated_at timestamptz not null,
  answered_at timestamptz,
  ended_at timestamptz not null,
  bill_duration_s int not null,
  hangup_code int not null,
  hangup_name text not null,
  hangup_source text not null check (hangup_source in ('customer', 'carrier', 'zentrunk')),
  transport text not null check (transport in ('udp', 'tcp', 'tls')),
  srtp boolean not null,
  secure boolean not null,
  post_dial_delay_ms int,
  -- What was measured on the way of the audio, one object a side.
  media jsonb
);
create index zentrunk_calls_by_workspace on zentrunk_calls (workspace_id, ended_at desc, id);
`;
