import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';

/** Which provider of ours stands in for one that we lack, by the name of the latter. */
export type ProviderSubstitutions = Record<string, string>;

export async function read(client: Queryable, workspaceId: string): Promise<ProviderSubstitutions> {
  const rows = await selectRows<{ provider: string; replacement: string }>(
    client,
    'select provider, replacement from provider_substitutions where workspace_id = $1 order by provider',
    [workspaceId],
  );
  return Object.fromEntries(rows.map(({ provider, replacement }) => [provider, replacement]));
}

/** Replaces the whole list; run it in a transaction. */
export async function replace(
  client: Queryable,
  workspaceId: string,
  substitutions: ProviderSubstitutions,
): Promise<void> {
  await client.query('delete from provider_substitutions where workspace_id = $1', [workspaceId]);
  for (const [provider, replacement] of Object.entries(substitutions)) {
    await client.query(
      'insert into provider_substitutions (workspace_id, provider, replacement) values ($1, $2, $3)',
      [workspaceId, provider, replacement],
    );
  }
}
