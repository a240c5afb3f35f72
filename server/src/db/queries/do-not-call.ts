import type { Queryable } from './queryable.ts';
import {
  countTouched,
  CursorError,
  selectOne,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';
import { storableText } from './storable-text.ts';

export type DoNotCallKind = 'workspace' | 'campaign' | 'registry';

export interface DoNotCallListRow {
  workspaceId: string;
  /** `workspace`, a campaign's id, or a registry's name. */
  id: string;
  kind: DoNotCallKind;
  /** ISO code of a registry's country. */
  country: string | null;
  importedAt: Date;
}

export interface DoNotCallRow {
  workspaceId: string;
  listId: string;
  number: string;
  /** Where the wish comes from: `api`, `call`, `import`, ... */
  source: string;
  callId: string | null;
  note: string | null;
  createdAt: Date;
}

export type NewDoNotCall = Omit<DoNotCallRow, 'createdAt'> & { createdAt: Date };

const DEFAULT_PAGE_ROWS = 50;

/** Makes the list where it is missing; `touch` sets the age of an imported one. */
export async function ensureList(
  client: Queryable,
  list: DoNotCallListRow,
  touch: boolean,
): Promise<void> {
  await client.query(
    `insert into do_not_call_lists (workspace_id, id, kind, country, imported_at)
     values ($1, $2, $3, $4, $5)
     on conflict (workspace_id, id) do ${
       touch
         ? 'update set imported_at = excluded.imported_at, country = excluded.country'
         : 'nothing'
     }`,
    [list.workspaceId, list.id, list.kind, list.country, list.importedAt],
  );
}

export async function getList(
  client: Queryable,
  workspaceId: string,
  listId: string,
): Promise<DoNotCallListRow | null> {
  return selectOne(client, 'select * from do_not_call_lists where workspace_id = $1 and id = $2', [
    workspaceId,
    listId,
  ]);
}

export async function lists(
  client: Queryable,
  workspaceId: string,
): Promise<(DoNotCallListRow & { count: number })[]> {
  return selectRows(
    client,
    `select l.*, (select count(*)::int from do_not_call n
       where n.workspace_id = l.workspace_id and n.list_id = l.id) as count
     from do_not_call_lists l where workspace_id = $1 order by id limit 1000`,
    [workspaceId],
  );
}

/** Adds a number once; false when it was there. */
export async function insert(client: Queryable, row: NewDoNotCall): Promise<boolean> {
  const touched = await countTouched(
    client,
    `insert into do_not_call (workspace_id, list_id, number, source, call_id, note, created_at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
    [
      row.workspaceId,
      row.listId,
      row.number,
      row.source,
      row.callId,
      row.note === null ? null : storableText(row.note),
      row.createdAt,
    ],
  );
  return touched > 0;
}

/** Adds many numbers of one source; how many were new. */
export async function insertMany(
  client: Queryable,
  rows: Pick<NewDoNotCall, 'workspaceId' | 'listId' | 'source' | 'createdAt'> & {
    entries: readonly { number: string; note: string | null }[];
  },
): Promise<number> {
  return countTouched(
    client,
    `insert into do_not_call (workspace_id, list_id, number, source, note, created_at)
     select $1, $2, n.number, $3, n.note, $4
     from unnest($5::text[], $6::text[]) as n (number, note) on conflict do nothing`,
    [
      rows.workspaceId,
      rows.listId,
      rows.source,
      rows.createdAt,
      rows.entries.map(({ number }) => number),
      rows.entries.map(({ note }) => (note === null ? null : storableText(note))),
    ],
  );
}

/** Every list that has the number. */
export async function findByNumber(
  client: Queryable,
  workspaceId: string,
  number: string,
): Promise<DoNotCallRow[]> {
  return selectRows(
    client,
    'select * from do_not_call where workspace_id = $1 and number = $2 order by list_id limit 1000',
    [workspaceId, number],
  );
}

/** In the order of the numbers; the cursor is the last number of the page before. */
export async function list(
  client: Queryable,
  workspaceId: string,
  listId: string,
  request: PageRequest = {},
): Promise<Page<DoNotCallRow>> {
  // A plus that nobody encoded arrives as a space.
  const after = request.cursor?.replace(/^ /, '+');
  if (after !== undefined && !/^\+\d{1,20}$/.test(after)) throw new CursorError();
  const limit = request.limit ?? DEFAULT_PAGE_ROWS;
  const rows = await selectRows<DoNotCallRow>(
    client,
    `select * from do_not_call where workspace_id = $1 and list_id = $2
       and ($3::text is null or number > $3) order by number limit $4`,
    [workspaceId, listId, after ?? null, limit + 1],
  );
  const data = rows.slice(0, limit);
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.number ?? null) : null };
}

/** Takes the number off a list; null: off all. How many lists had it. */
export async function remove(
  client: Queryable,
  workspaceId: string,
  number: string,
  listId: string | null,
): Promise<number> {
  return countTouched(
    client,
    `delete from do_not_call where workspace_id = $1 and number = $2
       and ($3::text is null or list_id = $3)`,
    [workspaceId, number, listId],
  );
}

/** Empties a registry before a newer one takes its place. */
export async function clearList(
  client: Queryable,
  workspaceId: string,
  listId: string,
): Promise<void> {
  await client.query('delete from do_not_call where workspace_id = $1 and list_id = $2', [
    workspaceId,
    listId,
  ]);
}
