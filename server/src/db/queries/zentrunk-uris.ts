import { selectOffsetPage, type OffsetPage, type OffsetRequest } from './offset-page.ts';
import type { Queryable } from './queryable.ts';
import { assignments, countTouched, requireOne, selectOne } from './row.ts';
import { storableText } from './storable-text.ts';

/** Where calls to a customer's numbers are sent. */
export interface ZentrunkUriRow {
  id: string;
  workspaceId: string;
  name: string;
  /** As it was given: `host`, `host:port`, `sip:user@host;transport=tcp`. */
  uri: string;
  authenticationNeeded: boolean;
  username: string | null;
  passwordSealed: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface ZentrunkUriPatch {
  name?: string | undefined;
  uri?: string | undefined;
  authenticationNeeded?: boolean | undefined;
  username?: string | null | undefined;
  passwordSealed?: string | null | undefined;
}

const FIELDS = ['name', 'uri', 'authenticationNeeded', 'username', 'passwordSealed'];

export async function insert(
  client: Queryable,
  row: Omit<ZentrunkUriRow, 'createdAt' | 'updatedAt'>,
): Promise<ZentrunkUriRow> {
  return requireOne(
    client,
    `insert into zentrunk_uris (id, workspace_id, name, uri, authentication_needed, username, password_sealed)
     values ($1, $2, $3, $4, $5, $6, $7) returning *`,
    [
      row.id,
      row.workspaceId,
      storableText(row.name),
      storableText(row.uri),
      row.authenticationNeeded,
      row.username === null ? null : storableText(row.username),
      row.passwordSealed,
    ],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  id: string,
): Promise<ZentrunkUriRow | null> {
  return selectOne(client, 'select * from zentrunk_uris where workspace_id = $1 and id = $2', [
    workspaceId,
    id,
  ]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: { name?: string | undefined; uri?: string | undefined },
  page: OffsetRequest,
): Promise<OffsetPage<ZentrunkUriRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  if (filter.name !== undefined) where.push(`name = $${values.push(filter.name)}`);
  if (filter.uri !== undefined) where.push(`uri = $${values.push(filter.uri)}`);
  const order = 'created_at desc, id';
  return selectOffsetPage(client, { from: 'zentrunk_uris', where, values, order }, page);
}

export async function update(
  client: Queryable,
  workspaceId: string,
  id: string,
  patch: ZentrunkUriPatch,
): Promise<ZentrunkUriRow | null> {
  const values: unknown[] = [workspaceId, id];
  const sets = assignments({ ...patch }, FIELDS, values);
  return selectOne(
    client,
    `update zentrunk_uris set ${[...sets, 'updated_at = now()'].join(', ')}
     where workspace_id = $1 and id = $2 returning *`,
    values,
  );
}

/** False when there is none. */
export async function remove(client: Queryable, workspaceId: string, id: string): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from zentrunk_uris where workspace_id = $1 and id = $2',
    [workspaceId, id],
  );
  return touched > 0;
}
