import * as queries from '../db/queries/provider-keys.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import { VENDOR_NAMES } from '../providers/vendors.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { SecretPlace, Secrets } from './secrets.ts';

/** Providers whose keys are read when a call is made. */
export const KEYED_PROVIDERS = VENDOR_NAMES;

/** A key as it may be shown: keys of providers go in and never come out. */
export type ProviderKey = Omit<queries.ProviderKeyRow, 'secretSealed'>;

/** Fewer characters would show too much of a short key. */
const MIN_CHARS_FOR_LAST4 = 12;

/** Stores or replaces the key that all agents of a workspace share for a provider. */
export async function setProviderKey(
  client: Queryable,
  deps: { secrets: Secrets; clock: Clock },
  key: { workspaceId: string; provider: string; secret: string },
): Promise<ProviderKey> {
  const { workspaceId, provider, secret } = key;
  const id = newId('pkey', deps.clock.now());
  const row = await queries.upsert(client, {
    id,
    workspaceId,
    provider,
    secretSealed: deps.secrets.seal(placeOf({ workspaceId, id }), secret),
    last4: secret.length < MIN_CHARS_FOR_LAST4 ? '' : secret.slice(-4),
  });
  return shown(row);
}

export async function listProviderKeys(
  client: Queryable,
  workspaceId: string,
): Promise<ProviderKey[]> {
  return (await queries.list(client, workspaceId)).map(shown);
}

/** False when there is none. */
export function removeProviderKey(
  client: Queryable,
  workspaceId: string,
  provider: string,
): Promise<boolean> {
  return queries.remove(client, workspaceId, provider);
}

/**
 * The keys in clear, by provider, for a call that is about to be made.
 * @throws SecretError where one was sealed with another master key.
 */
export async function readProviderSecrets(
  client: Queryable,
  secrets: Secrets,
  workspaceId: string,
): Promise<Record<string, string>> {
  const rows = await queries.list(client, workspaceId);
  return Object.fromEntries(
    rows.map((row) => [row.provider, secrets.open(placeOf(row), row.secretSealed)]),
  );
}

function placeOf({ workspaceId, id }: { workspaceId: string; id: string }): SecretPlace {
  return { workspaceId, table: 'provider_keys', id };
}

function shown({ secretSealed: _sealed, ...row }: queries.ProviderKeyRow): ProviderKey {
  return row;
}
