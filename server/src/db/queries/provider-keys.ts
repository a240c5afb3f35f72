import type { Queryable } from './queryable.ts';
import { countTouched, requireOne, selectOne, selectRows } from './row.ts';

export interface ProviderKeyRow {
  id: string;
  workspaceId: string;
  provider: string;
  secretSealed: string;
  /** The last four characters, to tell keys apart. */
  last4: string;
  createdAt: Date;
  updatedAt: Date;
}

/** The id under which the key is sealed; the row keeps it when the key is replaced. */
export async function find(
  client: Queryable,
  workspaceId: string,
  provider: string,
): Promise<ProviderKeyRow | null> {
  return selectOne(
    client,
    'select * from provider_keys where workspace_id = $1 and provider = $2',
    [workspaceId, provider],
  );
}

/** Stores or replaces the key of a provider. */
export async function upsert(
  client: Queryable,
  key: Pick<ProviderKeyRow, 'id' | 'workspaceId' | 'provider' | 'secretSealed' | 'last4'>,
): Promise<ProviderKeyRow> {
  return requireOne(
    client,
    `insert into provider_keys (id, workspace_id, provider, secret_sealed, last4)
     values ($1, $2, $3, $4, $5)
     on conflict (workspace_id, provider) do update set id = excluded.id,
       secret_sealed = excluded.secret_sealed, last4 = excluded.last4, updated_at = now()
     returning *`,
    [key.id, key.workspaceId, key.provider, key.secretSealed, key.last4],
  );
}

/** By name of the provider. */
export async function list(client: Queryable, workspaceId: string): Promise<ProviderKeyRow[]> {
  return selectRows(
    client,
    'select * from provider_keys where workspace_id = $1 order by provider',
    [workspaceId],
  );
}

/** False when there is none. */
export async function remove(
  client: Queryable,
  workspaceId: string,
  provider: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from provider_keys where workspace_id = $1 and provider = $2',
    [workspaceId, provider],
  );
  return touched > 0;
}
