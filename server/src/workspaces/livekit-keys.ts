import { randomBytes } from 'node:crypto';
import * as queries from '../db/queries/api-keys.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { ALL_SCOPES, scopesOf, type Scope } from './scopes.ts';
import type { Secrets } from './secrets.ts';

/** The pair of the settings: it belongs to the default workspace and is stored nowhere. */
export interface ConfiguredPair {
  workspaceId: string;
  apiKey: string;
  secret: string;
}

/** Whose pair it is, and the secret that its tokens are signed with (HS256). */
export interface LiveKitSecret {
  workspaceId: string;
  keyId: string | null;
  scopes: ReadonlySet<Scope>;
  secret: string;
}

export interface NewLiveKitKey {
  row: queries.ApiKeyRow;
  apiKey: string;
  /** Shown once; stored sealed, because a signature is checked with the secret itself. */
  secret: string;
}

const MAX_KEY_CHARS = 200;

/** Makes a pair of a workspace. */
export async function createLiveKitKey(
  client: Queryable,
  deps: { clock: Clock; secrets: Secrets },
  options: {
    workspaceId: string;
    name: string;
    scopes?: readonly Scope[] | undefined;
    expiresAt?: Date | null | undefined;
  },
): Promise<NewLiveKitKey> {
  const id = newId('key', deps.clock.now());
  const apiKey = `API${randomBytes(9).toString('hex')}`;
  const secret = randomBytes(32).toString('base64url');
  const row = await queries.insert(client, {
    id,
    workspaceId: options.workspaceId,
    name: options.name,
    prefix: apiKey.slice(0, 9),
    scopes: [...(options.scopes ?? ALL_SCOPES)],
    kind: 'livekit',
    livekitKey: apiKey,
    secretSealed: deps.secrets.seal(
      { workspaceId: options.workspaceId, table: 'api_keys', id },
      secret,
    ),
    expiresAt: options.expiresAt ?? null,
  });
  return { row, apiKey, secret };
}

/**
 * The secret behind a token's issuer, and a note that it was used; null for a pair that is unknown,
 * revoked or past its end.
 */
export async function findLiveKitSecret(
  client: Queryable,
  apiKey: string,
  deps: { secrets: Secrets; configured: ConfiguredPair | null },
): Promise<LiveKitSecret | null> {
  const { secrets, configured } = deps;
  if (apiKey === '' || apiKey.length > MAX_KEY_CHARS) return null;
  if (configured?.apiKey === apiKey) {
    const { workspaceId, secret } = configured;
    return { workspaceId, keyId: null, scopes: ALL_SCOPES, secret };
  }
  const row = await queries.findByLiveKitKey(client, apiKey);
  if (!row || row.secretSealed === null) return null;
  const { workspaceId, id } = row;
  const secret = secrets.open({ workspaceId, table: 'api_keys', id }, row.secretSealed);
  await queries.touchLastUsed(client, id);
  return { workspaceId, keyId: id, scopes: scopesOf(row.scopes), secret };
}

/** The pair that signs what we send to a workspace; null where it has none. */
export async function findSigningPair(
  client: Queryable,
  workspaceId: string,
  deps: { secrets: Secrets; configured: ConfiguredPair | null },
): Promise<{ apiKey: string; secret: string } | null> {
  const { secrets, configured } = deps;
  if (configured?.workspaceId === workspaceId) return configured;
  const row = await queries.findNewestPair(client, workspaceId);
  if (!row || row.livekitKey === null || row.secretSealed === null) return null;
  const place = { workspaceId, table: 'api_keys', id: row.id };
  return { apiKey: row.livekitKey, secret: secrets.open(place, row.secretSealed) };
}
