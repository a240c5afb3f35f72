/**
 * Calls of customers' trunks that go out by a real carrier: what limits and attempts to a number
 * are counted by, beside the calls of agents. A row is there before the INVITE leaves.
 */
export const sql = `
create table zentrunk_attempts (
  id text primary key,
  workspace_id text not null references workspaces,
  -- The native trunk that carries it.
  trunk_id text not null,
  to_number text not null,
  started_at timestamptz not null,
  -- Written again and again by the process that carries it: one that is old is a dead call's.
  seen_at timestamptz not null default now(),
  ended_at timestamptz,
  -- As of a call.
  status text not null default 'in-progress',
  end_reason text,
  rang boolean not null default false,
  answered boolean not null default false
) with (fillfactor = 80);
create index zentrunk_attempts_by_number
  on zentrunk_attempts (workspace_id, to_number, started_at desc);
create index zentrunk_attempts_live on zentrunk_attempts (workspace_id) where ended_at is null;
create index zentrunk_attempts_by_time on zentrunk_attempts (started_at);

alter table zentrunk_calls add column guardrail text;
`;
