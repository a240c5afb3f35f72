import type { Queryable } from './queryable.ts';
import { countTouched, requireOne, selectOne, selectRows } from './row.ts';
import { storableJson } from './storable-text.ts';

/** A description of data to be read out of talks. */
export interface ExtractionTemplateRow {
  id: string;
  workspaceId: string;
  kind: 'extraction' | 'disposition';
  /** Agents whose calls it is for. */
  agentIds: string[];
  document: Record<string, unknown>;
  createdAt: Date;
  updatedAt: Date;
}

type Kind = ExtractionTemplateRow['kind'];

export async function insert(
  client: Queryable,
  row: Omit<ExtractionTemplateRow, 'createdAt' | 'updatedAt'>,
): Promise<ExtractionTemplateRow> {
  return requireOne(
    client,
    // Not now(): several of one transaction keep their order.
    `insert into extraction_templates (id, workspace_id, kind, agent_ids, document, created_at)
     values ($1, $2, $3, $4, $5, clock_timestamp()) returning *`,
    [row.id, row.workspaceId, row.kind, row.agentIds, storableJson(row.document)],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  kind: Kind,
  id: string,
): Promise<ExtractionTemplateRow | null> {
  return selectOne(
    client,
    'select * from extraction_templates where workspace_id = $1 and kind = $2 and id::text = $3',
    [workspaceId, kind, id.toLowerCase()],
  );
}

/** Oldest first; of one agent, or of all. */
export async function list(
  client: Queryable,
  workspaceId: string,
  kind: Kind,
  agentId?: string,
): Promise<ExtractionTemplateRow[]> {
  return selectRows(
    client,
    `select * from extraction_templates where workspace_id = $1 and kind = $2
       and ($3::text is null or $3 = any(agent_ids))
     order by created_at, id limit 1000`,
    [workspaceId, kind, agentId ?? null],
  );
}

export async function update(
  client: Queryable,
  row: Pick<ExtractionTemplateRow, 'id' | 'workspaceId' | 'kind' | 'agentIds' | 'document'>,
): Promise<ExtractionTemplateRow | null> {
  return selectOne(
    client,
    `update extraction_templates set agent_ids = $4, document = $5, updated_at = now()
     where workspace_id = $1 and kind = $2 and id::text = $3 returning *`,
    [row.workspaceId, row.kind, row.id, row.agentIds, storableJson(row.document)],
  );
}

/** False when there is none. */
export async function remove(
  client: Queryable,
  workspaceId: string,
  kind: Kind,
  id: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from extraction_templates where workspace_id = $1 and kind = $2 and id::text = $3',
    [workspaceId, kind, id.toLowerCase()],
  );
  return touched > 0;
}
