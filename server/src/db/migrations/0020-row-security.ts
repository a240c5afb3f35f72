/**
 * The second fence: PostgreSQL itself shows a statement only the rows of the workspace that it runs
 * for. `trunkline_fence_tables()` runs at every start after the migrations, so a table of a later
 * migration is fenced without doing anything for it:
 *
 * - a table with `workspace_id` by that column; where it may be null, such rows can be read by all;
 * - a table without it, by the row that its foreign key points at, when that table is fenced;
 * - `workspaces` by its id; the parent sees its children.
 *
 * What no such rule reaches stays open to be read (nodes, migrations) and closed to be written.
 */
export const sql = `
-- Work that is done for no single workspace: jobs, the dialler, sign-in. Never as the tenants' role.
create function trunkline_in_background() returns boolean language sql stable as $$
  select coalesce(current_setting('trunkline.workspace_id', true), '') = ''
    and current_user <> 'trunkline_tenant'
$$;

create function trunkline_fence_condition(of_table oid) returns text language plpgsql stable as $$
declare
  workspace constant text := '(select current_setting(''trunkline.workspace_id'', true))';
  parent record;
begin
  if of_table = 'workspaces'::regclass then
    return format('id = %s or parent_id = %s', workspace, workspace);
  end if;
  if exists (select from pg_attribute where attrelid = of_table and attname = 'workspace_id'
             and not attisdropped) then
    return format('workspace_id = %s', workspace);
  end if;
  select key.confrelid::regclass as name, mine.attname as own, theirs.attname as other into parent
  from pg_constraint key
  join pg_attribute mine on mine.attrelid = key.conrelid and mine.attnum = key.conkey[1]
  join pg_attribute theirs on theirs.attrelid = key.confrelid and theirs.attnum = key.confkey[1]
  where key.conrelid = of_table and key.contype = 'f' and cardinality(key.conkey) = 1
    and mine.attnotnull and key.confrelid <> of_table
    and exists (select from pg_policy where polrelid = key.confrelid and polname = 'workspace_fence')
  order by key.confdeltype = 'c' desc, key.conname
  limit 1;
  if parent is null then return null; end if;
  return format('exists (select from %s parent where parent.%I = %s.%I)',
    parent.name, parent.other, of_table::regclass, parent.own);
end $$;

create function trunkline_fence_tables() returns void language plpgsql as $$
declare
  candidate record;
  condition text;
  found_one boolean := true;
begin
  -- A child can be fenced when its parent is: again until nothing is left to do.
  while found_one loop
    found_one := false;
    for candidate in
      select c.oid, c.oid::regclass as name from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and not (c.relrowsecurity and c.relforcerowsecurity and exists (
          select from pg_policy where polrelid = c.oid and polname = 'workspace_fence'))
      order by c.oid
    loop
      condition := trunkline_fence_condition(candidate.oid);
      continue when condition is null;
      found_one := true;
      execute format('alter table %s enable row level security', candidate.name);
      execute format('alter table %s force row level security', candidate.name);
      execute format('drop policy if exists workspace_fence on %s', candidate.name);
      execute format(
        'create policy workspace_fence on %s using ((select trunkline_in_background()) or %s)',
        candidate.name, condition);
      execute format('drop policy if exists workspace_shared on %s', candidate.name);
      if exists (select from pg_attribute where attrelid = candidate.oid
                 and attname = 'workspace_id' and not attnotnull and not attisdropped) then
        execute format(
          'create policy workspace_shared on %s for select using (workspace_id is null)',
          candidate.name);
      end if;
    end loop;
  end loop;

  if not exists (select from pg_roles where rolname = 'trunkline_tenant') then return; end if;
  execute 'grant usage on schema public to trunkline_tenant';
  for candidate in
    select c.oid::regclass as name, c.relkind,
      exists (select from pg_policy where polrelid = c.oid and polname = 'workspace_fence') as fenced
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'S')
  loop
    if candidate.relkind = 'S' then
      continue when has_sequence_privilege('trunkline_tenant', candidate.name::oid, 'usage');
      execute format('grant usage, select on sequence %s to trunkline_tenant', candidate.name);
    elsif candidate.fenced then
      continue when has_table_privilege('trunkline_tenant', candidate.name::oid, 'delete');
      execute format('grant select, insert, update, delete on %s to trunkline_tenant', candidate.name);
    else
      continue when has_table_privilege('trunkline_tenant', candidate.name::oid, 'select');
      execute format('grant select on %s to trunkline_tenant', candidate.name);
    end if;
  end loop;
end $$;
`;
