import { selectOffsetPage, type OffsetPage, type OffsetRequest } from './offset-page.ts';
import type { Queryable } from './queryable.ts';
import { assignments, countTouched, requireOne, selectOne } from './row.ts';
import { storableText } from './storable-text.ts';

/** Addresses that a customer's calls come from. */
export interface ZentrunkIpAclRow {
  id: string;
  workspaceId: string;
  name: string;
  /** Addresses and CIDRs. */
  ipAddresses: string[];
  createdAt: Date;
  updatedAt: Date;
}

export interface ZentrunkIpAclPatch {
  name?: string | undefined;
  /** Replaces the list. */
  ipAddresses?: string[] | undefined;
}

export async function insert(
  client: Queryable,
  row: Omit<ZentrunkIpAclRow, 'createdAt' | 'updatedAt'>,
): Promise<ZentrunkIpAclRow> {
  return requireOne(
    client,
    `insert into zentrunk_ip_acls (id, workspace_id, name, ip_addresses)
     values ($1, $2, $3, $4) returning *`,
    [row.id, row.workspaceId, storableText(row.name), row.ipAddresses],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  id: string,
): Promise<ZentrunkIpAclRow | null> {
  return selectOne(client, 'select * from zentrunk_ip_acls where workspace_id = $1 and id = $2', [
    workspaceId,
    id,
  ]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: { name?: string | undefined },
  page: OffsetRequest,
): Promise<OffsetPage<ZentrunkIpAclRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  if (filter.name !== undefined) where.push(`name = $${values.push(filter.name)}`);
  const order = 'created_at desc, id';
  return selectOffsetPage(client, { from: 'zentrunk_ip_acls', where, values, order }, page);
}

export async function update(
  client: Queryable,
  workspaceId: string,
  id: string,
  patch: ZentrunkIpAclPatch,
): Promise<ZentrunkIpAclRow | null> {
  const values: unknown[] = [workspaceId, id];
  const sets = assignments({ ...patch }, ['name', 'ipAddresses'], values);
  return selectOne(
    client,
    `update zentrunk_ip_acls set ${[...sets, 'updated_at = now()'].join(', ')}
     where workspace_id = $1 and id = $2 returning *`,
    values,
  );
}

/** False when there is none. */
export async function remove(client: Queryable, workspaceId: string, id: string): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from zentrunk_ip_acls where workspace_id = $1 and id = $2',
    [workspaceId, id],
  );
  return touched > 0;
}
