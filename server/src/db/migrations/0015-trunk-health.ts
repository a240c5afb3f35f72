/** How trunks stand with their carriers: registration, and what gateways say to OPTIONS. */
export const sql = `
create table trunk_registrations (
  trunk_id text primary key references trunks on delete cascade,
  workspace_id text not null references workspaces,
  state text not null check (state in ('registering', 'registered', 'waiting', 'rejected', 'stopped')),
  sip_code int,
  sip_reason text,
  expires_at timestamptz,
  changed_at timestamptz not null
);

create table gateway_health (
  trunk_id text not null references trunks on delete cascade,
  workspace_id text not null references workspaces,
  gateway text not null,
  state text not null check (state in ('up', 'degraded', 'down')),
  sip_code int,
  sip_reason text,
  round_trip_ms int,
  misses int not null,
  checked_at timestamptz not null,
  primary key (trunk_id, gateway)
);
`;
