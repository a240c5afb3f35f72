/** Rooms with their participants, agents sent into them, and recordings of them. */
export const sql = `
create table rooms (
  id text primary key,
  workspace_id text not null references workspaces,
  name text not null,
  metadata text not null default '',
  empty_timeout_s int not null default 300,
  departure_timeout_s int not null default 20,
  max_participants int not null default 0,
  tags jsonb not null default '{}',
  -- The node whose voice worker mixes it; null until somebody's audio is there.
  node_id text references nodes on delete set null,
  was_joined boolean not null default false,
  -- Since when nobody is in it; null while somebody is.
  empty_since timestamptz default now(),
  created_at timestamptz not null default now(),
  closed_at timestamptz,
  end_reason text
);
create unique index rooms_open_by_name on rooms (workspace_id, name) where closed_at is null;
create index rooms_empty on rooms (empty_since) where closed_at is null;

create table room_participants (
  id text primary key,
  workspace_id text not null references workspaces,
  room_id text not null references rooms,
  identity text not null,
  kind text not null check (kind in ('sip', 'agent')),
  name text not null default '',
  metadata text not null default '',
  attributes jsonb not null default '{}',
  call_id text references calls,
  -- What the participant's call is made with, beyond what every call has.
  leg jsonb not null default '{}',
  track_id text not null,
  muted boolean not null default false,
  can_publish boolean not null default true,
  can_subscribe boolean not null default true,
  -- Tracks that it does not hear.
  unheard_tracks text[] not null default '{}',
  version int not null default 0,
  joined_at timestamptz not null default now(),
  published_at timestamptz,
  left_at timestamptz,
  leave_reason text
);
create unique index room_participants_inside on room_participants (room_id, identity)
  where left_at is null;
create index room_participants_by_call on room_participants (call_id);
create index room_participants_open on room_participants (id) where left_at is null;

create table room_dispatches (
  id text primary key,
  workspace_id text not null references workspaces,
  room_id text not null references rooms,
  agent_name text not null,
  agent_id text references agents,
  -- The agent's own place in the room; null until there is an agent of that name.
  participant_id text references room_participants,
  -- The call that the agent speaks in.
  call_id text references calls,
  metadata text not null default '',
  attributes jsonb not null default '{}',
  door_data jsonb not null default '{}',
  error text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  deleted_at timestamptz
);
create index room_dispatches_by_room on room_dispatches (room_id);

create table room_recordings (
  id text primary key,
  workspace_id text not null references workspaces,
  room_id text not null references rooms,
  kind text not null check (kind in ('room', 'participant', 'track')),
  participant_id text references room_participants,
  file_path text not null,
  channels text not null default 'mono' check (channels in ('mono', 'agent-right')),
  status text not null check (status in ('starting', 'active', 'ending', 'complete', 'failed')),
  error text,
  storage_key text,
  size_bytes bigint,
  duration_ms int,
  door_data jsonb not null default '{}',
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  updated_at timestamptz not null default now()
);
create index room_recordings_by_room on room_recordings (room_id);
create index room_recordings_running on room_recordings (id)
  where status in ('starting', 'active', 'ending');

create table room_transfers (
  id text primary key,
  workspace_id text not null references workspaces,
  room_id text not null references rooms,
  participant_id text not null references room_participants,
  call_id text references calls,
  target text not null,
  status text not null check (status in ('ongoing', 'failed', 'successful')),
  reason text,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
`;
