import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';

/** A name for an OpenAI-compatible endpoint. */
export interface CustomModelRow {
  workspaceId: string;
  name: string;
  baseUrl: string;
  createdAt: Date;
}

/** Adds the name, or gives it another endpoint. */
export async function upsert(
  client: Queryable,
  model: Pick<CustomModelRow, 'workspaceId' | 'name' | 'baseUrl'>,
): Promise<void> {
  await client.query(
    `insert into custom_models (workspace_id, name, base_url) values ($1, $2, $3)
     on conflict (workspace_id, name) do update set base_url = $3`,
    [model.workspaceId, model.name, model.baseUrl],
  );
}

export async function list(client: Queryable, workspaceId: string): Promise<CustomModelRow[]> {
  return selectRows(client, 'select * from custom_models where workspace_id = $1 order by name', [
    workspaceId,
  ]);
}
