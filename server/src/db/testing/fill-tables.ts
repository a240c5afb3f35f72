import type { Queryable } from '../queries/queryable.ts';

interface Column {
  table: string;
  column: string;
  type: string;
  filled: boolean;
}

interface ForeignKey {
  table: string;
  column: string;
  parent: string;
  parentColumn: string;
}

type Row = Record<string, unknown>;

/** One row of each table for each workspace, whatever columns there are. */
export interface FilledTables {
  /** Every table of the schema. */
  tables: string[];
  /** Those that have neither `workspace_id` nor a parent that has: they belong to nobody. */
  ownerless: string[];
  /** The row of a workspace. */
  rowOf(table: string, workspaceId: string): Row;
}

/**
 * Puts a row into each table for each workspace. Takes away checks, foreign keys and triggers first: what a
 * value means is of no matter here, and a table of tomorrow is filled like one of today.
 */
export async function fillTables(
  client: Queryable,
  workspaceIds: readonly string[],
): Promise<FilledTables> {
  const columns = await readColumns(client);
  const keys = await readForeignKeys(client);
  await dropConstraints(client);
  const tables = [...new Set(columns.map(({ table }) => table))];
  const parentOf = new Map(
    tables.flatMap((table) => {
      if (table === 'workspaces' || has(columns, table, 'workspace_id')) return [];
      const key = keys.find((one) => one.table === table);
      return key === undefined ? [] : [[table, key] as const];
    }),
  );
  const ownerless = tables.filter(
    (table) =>
      table !== 'workspaces' && !has(columns, table, 'workspace_id') && !parentOf.has(table),
  );
  const rows = new Map<string, Row>();
  for (const [index, workspaceId] of workspaceIds.entries()) {
    const pending = tables.filter((table) => !ownerless.includes(table));
    for (let table = pending.shift(); table !== undefined; table = pending.shift()) {
      const parent = parentOf.get(table);
      const parentRow = parent && rows.get(`${parent.parent} ${workspaceId}`);
      if (parent && !parentRow) {
        pending.push(table);
        continue;
      }
      const row = rowFor(columns, { table, index, workspaceId });
      if (parent && parentRow) row[parent.column] = parentRow[parent.parentColumn];
      rows.set(`${table} ${workspaceId}`, await insert(client, table, row));
    }
  }
  return {
    tables,
    ownerless,
    rowOf: (table, workspaceId) => rows.get(`${table} ${workspaceId}`) ?? {},
  };
}

function has(columns: readonly Column[], table: string, column: string): boolean {
  return columns.some((one) => one.table === table && one.column === column);
}

function rowFor(
  columns: readonly Column[],
  options: { table: string; index: number; workspaceId: string },
): Row {
  const { table, index, workspaceId } = options;
  const row: Row = {};
  for (const { column, type, filled } of columns.filter((one) => one.table === table)) {
    if (column === 'workspace_id' || (table === 'workspaces' && column === 'id')) {
      row[column] = workspaceId;
    } else if (filled) {
      row[column] = valueOf(type, `${table}_${column}_${index}`, index);
    }
  }
  return row;
}

/** Some value of the type, another one for each workspace. */
function valueOf(type: string, text: string, index: number): unknown {
  if (type.endsWith('[]')) return [];
  if (/^(text|character varying|varchar)/.test(type)) return text;
  if (/^(smallint|integer|bigint|numeric|real|double precision)/.test(type)) return 1_000 + index;
  if (type === 'boolean') return true;
  if (/^timestamp|^date/.test(type)) return new Date(Date.UTC(2026, 0, 1 + index));
  if (type.startsWith('time')) return `0${index}:00`;
  if (type.startsWith('json')) return '{}';
  if (type === 'bytea') return Buffer.from(text);
  if (type === 'uuid') return `00000000-0000-0000-0000-00000000000${index}`;
  if (/^(inet|cidr)/.test(type)) return `10.0.0.${index}`;
  if (type === 'interval') return `${index + 1} minutes`;
  throw new Error(`expected a type that the test can fill, got ${type}; name it in fill-tables.ts`);
}

async function insert(client: Queryable, table: string, row: Row): Promise<Row> {
  const names = Object.keys(row);
  const places = names.map((_name, index) => `$${index + 1}`);
  const { rows } = await client.query(
    `insert into ${table} (${names.join(', ')}) values (${places.join(', ')}) returning *`,
    Object.values(row),
  );
  return rows[0] ?? {};
}

async function readColumns(client: Queryable): Promise<Column[]> {
  const { rows } = await client.query(
    `select c.relname as table, a.attname as column,
       format_type(a.atttypid, a.atttypmod) as type,
       (a.attnotnull and not a.atthasdef and a.attidentity = '') or i.indexrelid is not null
         as filled
     from pg_class c
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_index i on i.indrelid = c.oid and i.indisprimary and a.attnum = any(i.indkey)
       and not a.atthasdef
     join information_schema.tables t on t.table_schema = 'public' and t.table_name = c.relname
       and t.table_type = 'BASE TABLE'
     where c.relnamespace = 'public'::regnamespace and a.attgenerated = ''
     order by c.oid, a.attnum`,
  );
  return rows as Column[];
}

/** Of one column that must be filled; the first of a table says whose row it is. */
async function readForeignKeys(client: Queryable): Promise<ForeignKey[]> {
  const { rows } = await client.query(
    `select k.conrelid::regclass::text as table, mine.attname as column,
       k.confrelid::regclass::text as parent, theirs.attname as "parentColumn"
     from pg_constraint k
     join pg_attribute mine on mine.attrelid = k.conrelid and mine.attnum = k.conkey[1]
     join pg_attribute theirs on theirs.attrelid = k.confrelid and theirs.attnum = k.confkey[1]
     where k.contype = 'f' and cardinality(k.conkey) = 1 and mine.attnotnull
       and k.connamespace = 'public'::regnamespace
     order by k.confdeltype = 'c' desc, k.conname`,
  );
  return rows as ForeignKey[];
}

async function dropConstraints(client: Queryable): Promise<void> {
  await client.query(
    `do $$ declare one record; begin
       for one in select conrelid::regclass as name, conname from pg_constraint
         where connamespace = 'public'::regnamespace and contype in ('c', 'f')
         order by contype desc
       loop
         execute format('alter table %s drop constraint if exists %I', one.name, one.conname);
       end loop;
       for one in select tgrelid::regclass as name, tgname from pg_trigger t
         join pg_class c on c.oid = t.tgrelid
         where c.relnamespace = 'public'::regnamespace and not tgisinternal
       loop
         execute format('drop trigger if exists %I on %s', one.tgname, one.name);
       end loop;
     end $$`,
  );
}
