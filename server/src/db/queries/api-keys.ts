import type { Queryable } from './queryable.ts';
import {
  countTouched,
  requireOne,
  selectOne,
  selectPage,
  type Page,
  type PageRequest,
} from './row.ts';

export interface ApiKeyRow {
  id: string;
  workspaceId: string;
  name: string;
  /** SHA-256 of the key; the key itself is stored nowhere. */
  keyHash: Buffer;
  /** The key's first characters, to tell keys apart. */
  prefix: string;
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

export type NewApiKey = Pick<ApiKeyRow, 'id' | 'workspaceId' | 'name' | 'keyHash' | 'prefix'>;

export async function insert(client: Queryable, key: NewApiKey): Promise<ApiKeyRow> {
  return requireOne(
    client,
    `insert into api_keys (id, workspace_id, name, key_hash, prefix)
     values ($1, $2, $3, $4, $5) returning *`,
    [key.id, key.workspaceId, key.name, key.keyHash, key.prefix],
  );
}

/** A key that is not revoked, by its hash. */
export async function findByHash(client: Queryable, keyHash: Buffer): Promise<ApiKeyRow | null> {
  return selectOne(client, 'select * from api_keys where key_hash = $1 and revoked_at is null', [
    keyHash,
  ]);
}

/** Notes the use of a key, at most once a minute: this runs with every request. */
export async function touchLastUsed(client: Queryable, keyId: string): Promise<void> {
  await client.query(
    `update api_keys set last_used_at = now()
     where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [keyId],
  );
}

/** Newest first, revoked ones included. */
export async function list(
  client: Queryable,
  workspaceId: string,
  request: PageRequest = {},
): Promise<Page<ApiKeyRow>> {
  return selectPage(
    client,
    { from: 'api_keys', where: ['workspace_id = $1'], values: [workspaceId], order: 'desc' },
    request,
  );
}

/** False when there is no such key or it was revoked before. */
export async function revoke(
  client: Queryable,
  workspaceId: string,
  keyId: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `update api_keys set revoked_at = now()
     where workspace_id = $1 and id = $2 and revoked_at is null`,
    [workspaceId, keyId],
  );
  return touched > 0;
}
