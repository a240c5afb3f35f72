/** What was told of spending against its caps (G04), and when it was last looked at. */
export const sql = `
-- 'workspace', 'trunk:...' or 'key:...'. A row is what makes telling happen once a period.
create table spend_warnings (
  workspace_id text not null references workspaces,
  scope text not null,
  period text not null check (period in ('hour', 'day', 'month')),
  period_started_at timestamptz not null,
  threshold_percent int not null,
  cap_micros bigint not null,
  told_at timestamptz not null default now(),
  primary key (workspace_id, scope, period, period_started_at, threshold_percent)
);

create table spend_looks (
  workspace_id text primary key references workspaces,
  looked_at timestamptz not null
) with (fillfactor = 20);

create index guardrail_settings_capped on guardrail_settings (workspace_id)
  where settings ? 'spend_caps';
`;
