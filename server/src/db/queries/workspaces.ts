import type { Queryable } from './queryable.ts';
import { requireOne, selectOne, selectPage, type Page, type PageRequest } from './row.ts';

export interface WorkspaceRow {
  id: string;
  name: string;
  createdAt: Date;
}

/** Serialises first starts of several programs on one empty database. */
const DEFAULT_WORKSPACE_LOCK = 7_301_956_422;

/**
 * The oldest workspace; made with `id` and `name` when there is none. Run it in a transaction: the
 * lock that keeps two starts from making two lasts until the commit.
 */
export async function ensureDefault(
  client: Queryable,
  workspace: { id: string; name: string },
): Promise<WorkspaceRow> {
  await client.query('select pg_advisory_xact_lock($1)', [DEFAULT_WORKSPACE_LOCK]);
  const oldest = await selectOne<WorkspaceRow>(
    client,
    'select * from workspaces order by created_at, id limit 1',
  );
  if (oldest) return oldest;
  return requireOne<WorkspaceRow>(
    client,
    'insert into workspaces (id, name) values ($1, $2) returning *',
    [workspace.id, workspace.name],
  );
}

export async function get(client: Queryable, workspaceId: string): Promise<WorkspaceRow | null> {
  return selectOne(client, 'select * from workspaces where id = $1', [workspaceId]);
}

/** Oldest first. */
export async function list(
  client: Queryable,
  request: PageRequest = {},
): Promise<Page<WorkspaceRow>> {
  return selectPage(client, { from: 'workspaces', where: [], values: [], order: 'asc' }, request);
}
