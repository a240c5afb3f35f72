import { idOfUuid } from '../../shared/ids.ts';
import type { Queryable } from './queryable.ts';
import {
  assignments,
  hideRow,
  requireOne,
  selectOne,
  selectPage,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';
import { storableJson } from './storable-text.ts';

export interface AgentRow {
  id: string;
  workspaceId: string;
  /** The document that the API stores and returns. */
  config: unknown;
  /** Sealed values by name. */
  secrets: Record<string, string>;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

export type NewAgent = Pick<AgentRow, 'id' | 'workspaceId' | 'config'> &
  Partial<Pick<AgentRow, 'secrets'>>;

export async function insert(client: Queryable, agent: NewAgent): Promise<AgentRow> {
  return requireOne(
    client,
    `insert into agents (id, workspace_id, config, secrets) values ($1, $2, $3, $4) returning *`,
    [agent.id, agent.workspaceId, storableJson(agent.config), storableJson(agent.secrets ?? {})],
  );
}

/**
 * Stores a new version. With `expectedVersion` nothing is stored when somebody else was faster.
 * Null when there is no such agent (or not in that version).
 */
export async function update(
  client: Queryable,
  workspaceId: string,
  agentId: string,
  patch: { config?: unknown; secrets?: Record<string, string> | undefined },
  expectedVersion?: number,
): Promise<AgentRow | null> {
  const values: unknown[] = [workspaceId, agentId, expectedVersion ?? null];
  const sets = assignments({ ...patch }, ['config', 'secrets'], values, ['config', 'secrets']);
  return selectOne(
    client,
    `update agents set ${[...sets, 'version = version + 1', 'updated_at = now()'].join(', ')}
     where workspace_id = $1 and id = $2 and deleted_at is null
       and ($3::int is null or version = $3) returning *`,
    values,
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<AgentRow | null> {
  return selectOne(
    client,
    'select * from agents where workspace_id = $1 and id = $2 and deleted_at is null',
    [workspaceId, agentId],
  );
}

/** By the name that rooms ask for it with, its own name or its id (a UUID, too); of several the oldest. */
export async function findByName(
  client: Queryable,
  workspaceId: string,
  name: string,
): Promise<AgentRow | null> {
  return selectOne(
    client,
    `select * from agents where workspace_id = $1 and deleted_at is null
       and (config ->> 'dispatch_name' = $2 or config ->> 'name' = $2 or id = $3)
     order by id limit 1`,
    [workspaceId, name, idOfUuid('agent', name) ?? name],
  );
}

/** Agents that come into rooms by the rooms' names, oldest first. */
export async function listWithRoomPatterns(
  client: Queryable,
  workspaceId: string,
): Promise<AgentRow[]> {
  return selectRows(
    client,
    `select * from agents where workspace_id = $1 and deleted_at is null
       and jsonb_array_length(coalesce(config -> 'room_patterns', '[]')) > 0 order by id`,
    [workspaceId],
  );
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  request: PageRequest = {},
): Promise<Page<AgentRow>> {
  return selectPage(
    client,
    {
      from: 'agents',
      where: ['workspace_id = $1', 'deleted_at is null'],
      values: [workspaceId],
      kind: 'agent',
      order: 'desc',
    },
    request,
  );
}

/** Hides the agent; its calls keep pointing at it. False when there is no such agent. */
export async function softDelete(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<boolean> {
  return hideRow(client, 'agents', workspaceId, agentId);
}

/** Also one that was deleted: its document is kept for what its calls still need. */
export async function getEvenDeleted(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<AgentRow | null> {
  return selectOne(client, 'select * from agents where workspace_id = $1 and id = $2', [
    workspaceId,
    agentId,
  ]);
}
