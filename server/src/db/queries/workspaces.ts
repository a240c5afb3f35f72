import type { Queryable } from './queryable.ts';
import {
  assignments,
  countTouched,
  requireOne,
  selectOne,
  selectPage,
  type Page,
  type PageRequest,
} from './row.ts';

export interface WorkspaceRow {
  id: string;
  name: string;
  /** The workspace whose key made it; null for the first one. */
  parentId: string | null;
  /** ISO 4217; its money is counted in millionths of it. */
  currency: string;
  /** IANA name. */
  timezone: string;
  /** Calls at the same time at most; null: as many as the program carries. */
  maxConcurrentCalls: number | null;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

type Settings = Pick<WorkspaceRow, 'name' | 'currency' | 'timezone' | 'maxConcurrentCalls'>;
export type WorkspacePatch = { [Field in keyof Settings]?: Settings[Field] | undefined };
export type NewWorkspace = Pick<WorkspaceRow, 'id' | 'name' | 'parentId'> & WorkspacePatch;

const FIELDS: readonly (keyof Settings)[] = ['name', 'currency', 'timezone', 'maxConcurrentCalls'];

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
    'select * from workspaces where parent_id is null order by created_at, id limit 1',
  );
  if (oldest) return oldest;
  return requireOne<WorkspaceRow>(
    client,
    'insert into workspaces (id, name) values ($1, $2) returning *',
    [workspace.id, workspace.name],
  );
}

export async function insert(client: Queryable, workspace: NewWorkspace): Promise<WorkspaceRow> {
  const { id, name, parentId, ...settings } = workspace;
  const created = await requireOne<WorkspaceRow>(
    client,
    'insert into workspaces (id, name, parent_id) values ($1, $2, $3) returning *',
    [id, name, parentId],
  );
  return (await update(client, id, settings)) ?? created;
}

export async function get(client: Queryable, workspaceId: string): Promise<WorkspaceRow | null> {
  return selectOne(client, 'select * from workspaces where id = $1 and deleted_at is null', [
    workspaceId,
  ]);
}

/** The workspace itself or a child of it. */
export async function getVisible(
  client: Queryable,
  viewerId: string,
  workspaceId: string,
): Promise<WorkspaceRow | null> {
  return selectOne(
    client,
    `select * from workspaces
     where id = $2 and (id = $1 or parent_id = $1) and deleted_at is null`,
    [viewerId, workspaceId],
  );
}

/** The workspace itself and its children, oldest first. */
export async function listVisible(
  client: Queryable,
  viewerId: string,
  request: PageRequest = {},
): Promise<Page<WorkspaceRow>> {
  return selectPage(
    client,
    {
      from: 'workspaces',
      where: ['(id = $1 or parent_id = $1)', 'deleted_at is null'],
      values: [viewerId],
      kind: 'ws',
      order: 'asc',
    },
    request,
  );
}

/** Changes the fields that are given. Null when there is no such workspace. */
export async function update(
  client: Queryable,
  workspaceId: string,
  patch: WorkspacePatch,
): Promise<WorkspaceRow | null> {
  const values: unknown[] = [workspaceId];
  const sets = assignments({ ...patch }, FIELDS, values);
  return selectOne(
    client,
    `update workspaces set ${[...sets, 'updated_at = now()'].join(', ')}
     where id = $1 and deleted_at is null returning *`,
    values,
  );
}

/** Hides the workspace; what it did stays. False when there is no such workspace. */
export async function softDelete(client: Queryable, workspaceId: string): Promise<boolean> {
  const touched = await countTouched(
    client,
    `update workspaces set deleted_at = now(), updated_at = now()
     where id = $1 and deleted_at is null`,
    [workspaceId],
  );
  return touched > 0;
}
