import { selectOffsetPage, type OffsetPage, type OffsetRequest } from './offset-page.ts';
import type { NumberRow } from './numbers.ts';
import type { Queryable } from './queryable.ts';
import { selectOne } from './row.ts';

/** A number, and the inbound trunk that calls to it go out by. */
export interface ZentrunkNumberRow extends NumberRow {
  zentrunkTrunkId: string | null;
}

const NUMBERS = `(select n.*, z.trunk_id as zentrunk_trunk_id
  from numbers n left join zentrunk_numbers z on z.number_id = n.id) numbers`;

export async function findByE164(
  client: Queryable,
  workspaceId: string,
  e164: string,
): Promise<ZentrunkNumberRow | null> {
  return selectOne(client, `select * from ${NUMBERS} where workspace_id = $1 and e164 = $2`, [
    workspaceId,
    e164,
  ]);
}

/** Newest first. `startsWith` is E.164 with plus. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: { startsWith?: string | undefined; name?: string | undefined },
  page: OffsetRequest,
): Promise<OffsetPage<ZentrunkNumberRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  if (filter.startsWith !== undefined) {
    where.push(`starts_with(e164, $${values.push(filter.startsWith)})`);
  }
  if (filter.name !== undefined) where.push(`name = $${values.push(filter.name)}`);
  return selectOffsetPage(client, { from: NUMBERS, where, values, order: 'id desc' }, page);
}

/** Sends calls to the number to an inbound trunk; null: to none. */
export async function route(
  client: Queryable,
  workspaceId: string,
  numberId: string,
  trunkId: string | null,
): Promise<void> {
  if (trunkId === null) {
    await client.query('delete from zentrunk_numbers where workspace_id = $1 and number_id = $2', [
      workspaceId,
      numberId,
    ]);
    return;
  }
  await client.query(
    `insert into zentrunk_numbers (number_id, workspace_id, trunk_id) values ($1, $2, $3)
     on conflict (number_id) do update set trunk_id = $3`,
    [numberId, workspaceId, trunkId],
  );
}

/** The inbound trunk of a number of any workspace, and the trunk that the number's own calls come by. */
export async function inboundTrunkOf(
  client: Queryable,
  e164: string,
): Promise<{ workspaceId: string; trunkId: string; nativeTrunkId: string } | null> {
  return selectOne(
    client,
    `select z.workspace_id, z.trunk_id, coalesce(n.inbound_trunk_id, n.trunk_id) as native_trunk_id
     from zentrunk_numbers z join numbers n on n.id = z.number_id
     join workspaces w on w.id = z.workspace_id and w.deleted_at is null where n.e164 = $1`,
    [e164],
  );
}
