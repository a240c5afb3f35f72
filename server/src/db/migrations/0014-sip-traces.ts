/** The SIP messages of a call, secrets masked: one row a call, written when it is over. */
export const sql = `
create table sip_traces (
  call_id text primary key references calls on delete cascade,
  workspace_id text not null references workspaces,
  messages jsonb not null,
  created_at timestamptz not null default now()
);
`;
