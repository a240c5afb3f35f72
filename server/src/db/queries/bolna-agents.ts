import { hot } from '../hot-statements.ts';
import type { Queryable } from './queryable.ts';
import { countTouched, selectOne, selectRows } from './row.ts';
import { storableJson } from './storable-text.ts';

/** An agent's document in Bolna's form. */
export interface BolnaAgentRow {
  agentId: string;
  workspaceId: string;
  /** As it was written, without secrets. */
  document: Record<string, unknown>;
  /** What of it has no effect. */
  warnings: { field: string; message: string }[];
  /** The version of the agent that it describes. */
  agentVersion: number;
}

export async function upsert(client: Queryable, row: BolnaAgentRow): Promise<void> {
  await client.query(
    `insert into bolna_agents (agent_id, workspace_id, document, warnings, agent_version)
     values ($1, $2, $3, $4, $5)
     on conflict (agent_id) do update set document = $3, warnings = $4, agent_version = $5
       where bolna_agents.workspace_id = $2`,
    [
      row.agentId,
      row.workspaceId,
      storableJson(row.document),
      storableJson(row.warnings),
      row.agentVersion,
    ],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<BolnaAgentRow | null> {
  return selectOne(client, 'select * from bolna_agents where workspace_id = $1 and agent_id = $2', [
    workspaceId,
    agentId,
  ]);
}

/** Whether an agent was made in Bolna's form; asked on the way of every call. */
export async function has(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<boolean> {
  const { rows } = await client.query(
    hot('select from bolna_agents where workspace_id = $1 and agent_id = $2'),
    [workspaceId, agentId],
  );
  return rows.length > 0;
}

export async function listOf(
  client: Queryable,
  workspaceId: string,
  agentIds: readonly string[],
): Promise<BolnaAgentRow[]> {
  return selectRows(
    client,
    'select * from bolna_agents where workspace_id = $1 and agent_id = any($2)',
    [workspaceId, agentIds],
  );
}

export async function remove(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from bolna_agents where workspace_id = $1 and agent_id = $2',
    [workspaceId, agentId],
  );
  return touched > 0;
}
