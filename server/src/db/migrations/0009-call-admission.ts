/**
 * What a call was asked for, what it waits for, and how it is found among ten million: every filter
 * of the list has an index that ends in the id, which is the order of the pages.
 */
export const sql = `
alter table calls add column door text not null default 'v1';
alter table calls add column door_data jsonb not null default '{}';
alter table calls add column metadata jsonb not null default '{}';
alter table calls add column batch_id text;
alter table calls add column idempotency_hash text;
alter table calls add column retry jsonb;
alter table calls add column retry_of text references calls;
alter table calls add column attempt int not null default 1;
alter table calls add column max_duration_s int;
alter table calls add column ring_timeout_ms int;
alter table calls add column timezone text;
alter table calls add column purpose text;
alter table calls add column calling_window jsonb;
alter table calls add column api_key_id text;
-- Whether it may wait in line for a free place; false: it was admitted because there was one.
alter table calls add column waits boolean not null default false;
-- What a queued call that cannot be dialled yet waits for, such as 'trunk:trunk_...'.
alter table calls add column parked_for text;
-- The rule that refused it, such as G04.
alter table calls add column guardrail text;
alter table calls add column updated_at timestamptz not null default now();

alter table calls drop constraint calls_workspace_id_idempotency_key_key;
create unique index calls_by_idempotency_key on calls (workspace_id, idempotency_key)
  where idempotency_key is not null;

drop index calls_by_agent;
create index calls_by_agent on calls (workspace_id, agent_id, id desc);
create index calls_by_status on calls (workspace_id, status, id desc);
create index calls_by_agent_status on calls (workspace_id, agent_id, status, id desc);
create index calls_by_trunk on calls (workspace_id, trunk_id, id desc);
create index calls_by_to on calls (workspace_id, to_number, id desc);
create index calls_by_from on calls (workspace_id, from_number, id desc);
create index calls_by_direction on calls (workspace_id, direction, id desc);
create index calls_by_door on calls (workspace_id, door, id desc) where door <> 'v1';
create index calls_by_batch on calls (workspace_id, batch_id, id desc) where batch_id is not null;
create index calls_retries on calls (retry_of) where retry_of is not null;

drop index calls_scheduled;
create index calls_due on calls (scheduled_at) where status in ('scheduled', 'rescheduled');
create index calls_parked on calls (parked_for, queued_at)
  where status = 'queued' and parked_for is not null;
create index calls_waiting on calls (queued_at) where status = 'queued';
create index calls_in_flight on calls (workspace_id, trunk_id, agent_id)
  where status in ('queued', 'initiated', 'ringing', 'in-progress');

-- Metadata by name and value. Row security lets an index be asked by operators that cannot leak only:
-- equality of text is one, containment of jsonb is none.
create table call_metadata (
  workspace_id text not null references workspaces,
  name text not null,
  value text not null,
  call_id text not null references calls on delete cascade,
  primary key (workspace_id, name, value, call_id)
);
create index call_metadata_by_name on call_metadata (workspace_id, name, call_id);
create index call_metadata_by_call on call_metadata (call_id);
create function store_call_metadata() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    delete from call_metadata where call_id = new.id;
  end if;
  insert into call_metadata (workspace_id, name, value, call_id)
    select new.workspace_id, key, left(value, 512), new.id from jsonb_each_text(new.metadata)
    where value is not null;
  return null;
end $$;
create trigger calls_metadata_inserted after insert on calls
  for each row when (new.metadata <> '{}') execute function store_call_metadata();
create trigger calls_metadata_updated after update of metadata on calls
  for each row when (new.metadata is distinct from old.metadata)
  execute function store_call_metadata();

-- When the next INVITE of a trunk may leave, whichever node sends it.
create table trunk_pacing (
  trunk_id text primary key references trunks on delete cascade,
  workspace_id text not null references workspaces,
  next_at timestamptz not null
);
`;
