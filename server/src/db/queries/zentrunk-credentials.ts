import { selectOffsetPage, type OffsetPage, type OffsetRequest } from './offset-page.ts';
import type { Queryable } from './queryable.ts';
import { assignments, countTouched, requireOne, selectOne } from './row.ts';
import { storableText } from './storable-text.ts';

/** What a customer's SIP client signs in with. */
export interface ZentrunkCredentialRow {
  id: string;
  workspaceId: string;
  name: string;
  username: string;
  passwordSealed: string;
  createdAt: Date;
  updatedAt: Date;
}

export interface ZentrunkCredentialPatch {
  name?: string | undefined;
  username?: string | undefined;
  passwordSealed?: string | undefined;
}

export async function insert(
  client: Queryable,
  row: Omit<ZentrunkCredentialRow, 'createdAt' | 'updatedAt'>,
): Promise<ZentrunkCredentialRow> {
  return requireOne(
    client,
    `insert into zentrunk_credentials (id, workspace_id, name, username, password_sealed)
     values ($1, $2, $3, $4, $5) returning *`,
    [
      row.id,
      row.workspaceId,
      storableText(row.name),
      storableText(row.username),
      row.passwordSealed,
    ],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  id: string,
): Promise<ZentrunkCredentialRow | null> {
  return selectOne(
    client,
    'select * from zentrunk_credentials where workspace_id = $1 and id = $2',
    [workspaceId, id],
  );
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: { name?: string | undefined; username?: string | undefined },
  page: OffsetRequest,
): Promise<OffsetPage<ZentrunkCredentialRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  if (filter.name !== undefined) where.push(`name = $${values.push(filter.name)}`);
  if (filter.username !== undefined) where.push(`username = $${values.push(filter.username)}`);
  const order = 'created_at desc, id';
  return selectOffsetPage(client, { from: 'zentrunk_credentials', where, values, order }, page);
}

export async function update(
  client: Queryable,
  workspaceId: string,
  id: string,
  patch: ZentrunkCredentialPatch,
): Promise<ZentrunkCredentialRow | null> {
  const values: unknown[] = [workspaceId, id];
  const sets = assignments({ ...patch }, ['name', 'username', 'passwordSealed'], values);
  return selectOne(
    client,
    `update zentrunk_credentials set ${[...sets, 'updated_at = now()'].join(', ')}
     where workspace_id = $1 and id = $2 returning *`,
    values,
  );
}

/** False when there is none. */
export async function remove(client: Queryable, workspaceId: string, id: string): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from zentrunk_credentials where workspace_id = $1 and id = $2',
    [workspaceId, id],
  );
  return touched > 0;
}
