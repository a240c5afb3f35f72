import type { QueryResultRow } from 'pg';
import type { IdKind } from '../../shared/ids.ts';
import type { Queryable } from './queryable.ts';
import { storableJson, storableText } from './storable-text.ts';

/** One page of a list; `nextCursor` is null on the last page. */
export interface Page<Row> {
  data: Row[];
  nextCursor: string | null;
}

/** Where a page starts and how long it is. */
export interface PageRequest {
  /** Rows at most. Default 50, never more than 200. */
  limit?: number | undefined;
  /** `nextCursor` of the page before. */
  cursor?: string | undefined;
}

/** A cursor that no page of this list can have ended with. */
export class CursorError extends Error {
  constructor() {
    super('expected next_cursor of the page before, as this list gave it');
    this.name = 'CursorError';
  }
}

const DEFAULT_PAGE_ROWS = 50;
const MAX_PAGE_ROWS = 200;
const camelNames = new Map<string, string>();

function camelName(column: string): string {
  let name = camelNames.get(column);
  if (name === undefined) {
    name = column.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
    camelNames.set(column, name);
  }
  return name;
}

/** `firstAgentAudioAt` for `first_agent_audio_at`; the content of jsonb columns stays as stored. */
export function camelRow(row: QueryResultRow): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) result[camelName(column)] = value;
  return result;
}

/** A row that PostgreSQL turned into JSON, as `select *` answers it: JSON has no times of its own. */
export function jsonRow(json: Record<string, unknown>, timeFields: readonly string[]): unknown {
  const row = camelRow(json);
  for (const field of timeFields) {
    const text = row[field];
    if (typeof text === 'string') row[field] = new Date(text);
  }
  return row;
}

/** `first_agent_audio_at` for `firstAgentAudioAt`. */
export function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Runs a statement and maps every row. */
export async function selectRows<Row>(
  client: Queryable,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const { rows } = await client.query(text, values);
  const [first] = rows;
  if (first === undefined) return [];
  // All rows of an answer have the same columns.
  const columns = Object.keys(first).map((column) => [column, camelName(column)] as const);
  return rows.map((row) => {
    const result: Record<string, unknown> = {};
    for (const [column, name] of columns) result[name] = row[column];
    return result as Row;
  });
}

/** Runs a statement that finds one row or none. */
export async function selectOne<Row>(
  client: Queryable,
  text: string,
  values: unknown[] = [],
): Promise<Row | null> {
  const { rows } = await client.query(text, values);
  return rows[0] ? (camelRow(rows[0]) as Row) : null;
}

/** Runs a statement that must find a row, such as `insert ... returning *`. */
export async function requireOne<Row>(
  client: Queryable,
  text: string,
  values: unknown[] = [],
): Promise<Row> {
  const row = await selectOne<Row>(client, text, values);
  if (!row) throw new Error('expected one row from the statement, got none');
  return row;
}

/** Runs a statement and counts the rows that it touched. */
export async function countTouched(
  client: Queryable,
  text: string,
  values: unknown[] = [],
): Promise<number> {
  const { rowCount } = await client.query(text, values);
  return rowCount ?? 0;
}

/** Hides a row that others keep pointing at. False when there is none that is not hidden. */
export async function hideRow(
  client: Queryable,
  table: 'agents' | 'trunks',
  workspaceId: string,
  id: string,
  alsoSet?: 'active = false',
): Promise<boolean> {
  const sets = ['deleted_at = now()', 'updated_at = now()', ...(alsoSet ? [alsoSet] : [])];
  const touched = await countTouched(
    client,
    `update ${table} set ${sets.join(', ')}
     where workspace_id = $1 and id = $2 and deleted_at is null`,
    [workspaceId, id],
  );
  return touched > 0;
}

/**
 * Checks the id that a page shall begin after: the row itself may be gone by now.
 * @throws CursorError
 */
export function requireCursor(cursor: string | undefined, kind: IdKind | 'delivery'): void {
  if (cursor === undefined) return;
  const isOurs = cursor.startsWith(`${kind}_`) && /^[a-z]+_[0-9a-z_-]{1,100}$/i.test(cursor);
  if (!isOurs) throw new CursorError();
}

/**
 * A page of rows ordered by id, by keyset: `where` holds the conditions (with `$1`, `$2`, ... for
 * `values`), the cursor is the last id of the page before.
 */
export async function selectPage<Row extends { id: string }>(
  client: Queryable,
  statement: {
    from: string;
    where: string[];
    values: unknown[];
    /** What the ids begin with. */
    kind: IdKind | 'delivery';
    order: 'asc' | 'desc';
    /** Default: all. */
    columns?: string;
  },
  request: PageRequest,
): Promise<Page<Row>> {
  requireCursor(request.cursor, statement.kind);
  const limit = Math.max(1, Math.min(request.limit ?? DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS));
  const where = [...statement.where];
  const values = [...statement.values];
  if (request.cursor !== undefined) {
    values.push(request.cursor);
    where.push(`id ${statement.order === 'asc' ? '>' : '<'} $${values.length}`);
  }
  // One row more than asked says whether there is a next page.
  values.push(limit + 1);
  const rows = await selectRows<Row>(
    client,
    `select ${statement.columns ?? '*'} from ${statement.from} where ${where.length ? where.join(' and ') : 'true'}
     order by id ${statement.order} limit $${values.length}`,
    values,
  );
  const data = rows.slice(0, limit);
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.id ?? null) : null };
}

/**
 * The `set` list of an update: a field that is undefined stays as it is. Only `fields` may be
 * named, so no text of a caller becomes SQL. `jsonFields` are stored as jsonb.
 */
export function assignments(
  patch: Record<string, unknown>,
  fields: readonly string[],
  values: unknown[],
  jsonFields: readonly string[] = [],
): string[] {
  const sets: string[] = [];
  for (const [field, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (!fields.includes(field)) throw new Error(`expected a known field, got ${field}`);
    values.push(storable(value, jsonFields.includes(field)));
    sets.push(`${columnName(field)} = $${values.length}`);
  }
  return sets;
}

/** pg sends a JS array as a PostgreSQL array, so jsonb is serialised here. */
function storable(value: unknown, isJson: boolean): unknown {
  if (isJson && value !== null) return storableJson(value);
  return typeof value === 'string' ? storableText(value) : value;
}
