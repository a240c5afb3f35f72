/** A trunk carries what every vendor's trunk object has; rules say where inbound calls go. */
export const sql = `
alter table trunks add column description text not null default '';
alter table trunks add column provider text not null default 'generic';
alter table trunks add column metadata text not null default '';
alter table trunks add column auth_type text not null default 'none'
  check (auth_type in ('none', 'userpass', 'ip-based', 'registration'));
alter table trunks add column inbound_enabled boolean not null default true;
alter table trunks add column outbound_enabled boolean not null default true;
alter table trunks add column leading_plus boolean not null default true;
alter table trunks add column caller_id_header text not null default 'from-and-pai'
  check (caller_id_header in ('from', 'from-and-pai', 'pai'));
alter table trunks add column media_encryption text not null default 'none'
  check (media_encryption in ('none', 'optional', 'required'));
alter table trunks add column rtp_symmetric boolean not null default true;
alter table trunks add column force_rport boolean not null default true;
alter table trunks add column direct_media boolean not null default false;
alter table trunks add column qualify_frequency_s int not null default 60;
alter table trunks add column max_concurrent_calls int;
alter table trunks add column calls_per_second real;
alter table trunks add column max_call_duration_s int;
alter table trunks add column destination_country text;
alter table trunks add column allowed_callers text[] not null default '{}';
alter table trunks add column inbound_auth_username text;
alter table trunks add column inbound_auth_password_sealed text;
alter table trunks add column inbound_auth_realm text;
alter table trunks add column headers_to_attributes jsonb not null default '{}';
alter table trunks add column attributes_to_headers jsonb not null default '{}';
alter table trunks add column include_headers text not null default 'none'
  check (include_headers in ('none', 'x', 'all'));
alter table trunks add column door text not null default 'v1';
alter table trunks add column door_data jsonb not null default '{}';
update trunks set auth_type = 'userpass' where auth_password_sealed is not null;

alter table gateways drop constraint gateways_transport_check;
alter table gateways add constraint gateways_transport_check check (transport in ('udp', 'tcp', 'tls'));

alter table numbers add column name text not null default '';
alter table numbers add column provider text not null default '';
-- Where calls to the number come in, when that is another trunk than the one it calls from.
alter table numbers add column inbound_trunk_id text references trunks;
alter table numbers add column updated_at timestamptz not null default now();
create index numbers_by_inbound_trunk on numbers (inbound_trunk_id) where inbound_trunk_id is not null;

create table dispatch_rules (
  id text primary key,
  workspace_id text not null references workspaces,
  name text not null default '',
  kind text not null check (kind in ('direct', 'individual', 'callee')),
  trunk_ids text[] not null default '{}',
  called_numbers text[] not null default '{}',
  caller_numbers text[] not null default '{}',
  room text not null default '',
  randomize boolean not null default false,
  pin_sealed text,
  hide_phone_number boolean not null default false,
  agent_id text references agents,
  attributes jsonb not null default '{}',
  metadata text not null default '',
  room_config jsonb,
  door text not null default 'v1',
  door_data jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index dispatch_rules_by_workspace on dispatch_rules (workspace_id, id);
`;
