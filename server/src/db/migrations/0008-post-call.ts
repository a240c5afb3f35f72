/** What is made of a call when it is over, step by step, and how long it is kept. */
export const sql = `
alter table calls add column transcript text;
alter table calls add column summary text;
alter table calls add column extracted_data jsonb;
-- Who made summary and data (rules, or which model), and what it could not find.
alter table calls add column analysis jsonb;
alter table calls add column recording_store text not null default 'disk'
  check (recording_store in ('disk', 's3'));
alter table calls add column recording_deleted_at timestamptz;
alter table calls add column transcript_deleted_at timestamptz;
create index calls_by_recording_age on calls (ended_at) where recording_key is not null;
create index calls_by_transcript_age on calls (ended_at) where transcript is not null;

-- One row a step that is done: what is in it happened, once, whoever was killed in between.
create table post_call_steps (
  call_id text not null references calls,
  workspace_id text not null references workspaces,
  step text not null check (step in ('transcript', 'cost', 'analysis', 'recording', 'final')),
  detail jsonb not null default '{}',
  done_at timestamptz not null default now(),
  primary key (call_id, step)
);

-- Days; null: for ever.
create table retention_settings (
  workspace_id text primary key references workspaces,
  recording_days int check (recording_days >= 0),
  transcript_days int check (transcript_days >= 0),
  updated_at timestamptz not null default now()
);
`;
