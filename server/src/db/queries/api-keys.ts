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
  /** `api`: one text in a header. `livekit`: a pair whose secret signs tokens. */
  kind: 'api' | 'livekit';
  /** SHA-256 of a key of kind `api`; the key itself is stored nowhere. */
  keyHash: Buffer | null;
  /** The key's first characters, to tell keys apart. */
  prefix: string;
  scopes: string[];
  /** Name of the pair; it travels in each token as its issuer. */
  livekitKey: string | null;
  secretSealed: string | null;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

export type NewApiKey = Pick<ApiKeyRow, 'id' | 'workspaceId' | 'name' | 'prefix' | 'scopes'> &
  Partial<Pick<ApiKeyRow, 'kind' | 'keyHash' | 'livekitKey' | 'secretSealed' | 'expiresAt'>>;

/** Of a workspace that is there, not revoked, not past its end. */
const USABLE = `revoked_at is null and (expires_at is null or expires_at > now()) and exists (
  select from workspaces w where w.id = api_keys.workspace_id and w.deleted_at is null)`;

export async function insert(client: Queryable, key: NewApiKey): Promise<ApiKeyRow> {
  return requireOne(
    client,
    `insert into api_keys (id, workspace_id, name, prefix, scopes, kind, key_hash, livekit_key,
       secret_sealed, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning *`,
    [
      key.id,
      key.workspaceId,
      key.name,
      key.prefix,
      key.scopes,
      key.kind ?? 'api',
      key.keyHash ?? null,
      key.livekitKey ?? null,
      key.secretSealed ?? null,
      key.expiresAt ?? null,
    ],
  );
}

/** A key that may be used now, by its hash. */
export async function findByHash(client: Queryable, keyHash: Buffer): Promise<ApiKeyRow | null> {
  return selectOne(client, `select * from api_keys where key_hash = $1 and ${USABLE}`, [keyHash]);
}

/** Whether a key may be used now, whatever is remembered of it elsewhere. */
export async function isUsable(client: Queryable, keyId: string): Promise<boolean> {
  const row = await selectOne(client, `select id from api_keys where id = $1 and ${USABLE}`, [
    keyId,
  ]);
  return row !== null;
}

/** A pair that may be used now, by its name. */
export async function findByLiveKitKey(
  client: Queryable,
  livekitKey: string,
): Promise<ApiKeyRow | null> {
  return selectOne(client, `select * from api_keys where livekit_key = $1 and ${USABLE}`, [
    livekitKey,
  ]);
}

/** The newest pair of a workspace that may be used now. */
export async function findNewestPair(
  client: Queryable,
  workspaceId: string,
): Promise<ApiKeyRow | null> {
  return selectOne(
    client,
    `select * from api_keys where workspace_id = $1 and kind = 'livekit' and ${USABLE}
     order by id desc limit 1`,
    [workspaceId],
  );
}

/** Notes the use of a key, at most once a minute: this runs with every request. */
export async function touchLastUsed(client: Queryable, keyId: string): Promise<void> {
  await client.query(
    `update api_keys set last_used_at = now()
     where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [keyId],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  keyId: string,
): Promise<ApiKeyRow | null> {
  return selectOne(client, 'select * from api_keys where workspace_id = $1 and id = $2', [
    workspaceId,
    keyId,
  ]);
}

/** Newest first, revoked ones included. */
export async function list(
  client: Queryable,
  workspaceId: string,
  request: PageRequest = {},
): Promise<Page<ApiKeyRow>> {
  return selectPage(
    client,
    {
      from: 'api_keys',
      where: ['workspace_id = $1'],
      values: [workspaceId],
      kind: 'key',
      order: 'desc',
    },
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

export async function revokeAll(client: Queryable, workspaceId: string): Promise<void> {
  await client.query(
    'update api_keys set revoked_at = now() where workspace_id = $1 and revoked_at is null',
    [workspaceId],
  );
}
