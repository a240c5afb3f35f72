import { createHash, randomBytes } from 'node:crypto';
import * as queries from '../db/queries/api-keys.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { ALL_SCOPES, type Scope } from './scopes.ts';

const PREFIX = 'tl_';
const KEY_BYTES = 32;
const SHOWN_CHARS = 9;
/** Longer texts are no keys; they are not even hashed. */
const MAX_KEY_CHARS = 512;

/** A key that was just made: the only moment in which it can be read. */
export interface NewApiKey {
  row: queries.ApiKeyRow;
  key: string;
}

/** A new random key: `tl_` and 64 hex digits, or `sa-` and 32, as Bolna's sub-accounts have them. */
export function generateApiKey(form: 'tl' | 'sa' = 'tl'): string {
  return form === 'tl'
    ? `${PREFIX}${randomBytes(KEY_BYTES).toString('hex')}`
    : `sa-${randomBytes(KEY_BYTES / 2).toString('hex')}`;
}

/** What a key is made with. */
export interface ApiKeyOptions {
  workspaceId: string;
  name: string;
  /** Default `admin`: everything. */
  scopes?: readonly Scope[] | undefined;
  /** Default never. */
  expiresAt?: Date | null | undefined;
  /** How it looks. Default `tl`. */
  form?: 'tl' | 'sa' | undefined;
}

/** Makes a key of a workspace. Only its SHA-256 is stored. */
export async function createApiKey(
  client: Queryable,
  clock: Clock,
  options: ApiKeyOptions,
): Promise<NewApiKey> {
  const { form, ...stored } = options;
  const key = generateApiKey(form);
  return { key, row: await store(client, clock, key, stored) };
}

/**
 * What a key is stored as; null: it is none. The hash is of 256 random bits: looking it up by
 * equality tells an attacker nothing.
 */
export function apiKeyHash(key: string): Buffer | null {
  return key === '' || key.length > MAX_KEY_CHARS ? null : hashOf(key);
}

/**
 * The key that the setting names, made valid for the workspace; where it names none, a new one when
 * the workspace has no key at all.
 * @returns the key when it was made here, else null: it cannot be read again.
 */
export async function ensureBootstrapKey(
  client: Queryable,
  clock: Clock,
  options: { workspaceId: string; key: string | null },
): Promise<string | null> {
  const { workspaceId, key } = options;
  if (key !== null) {
    if (!(await queries.findByHash(client, hashOf(key)))) {
      await store(client, clock, key, { workspaceId, name: 'bootstrap' }).catch(
        async (error: unknown) => {
          // Another node was faster, or somebody revoked the key: then it stays revoked.
          if ((error as { code?: unknown }).code !== '23505') throw error;
        },
      );
    }
    return null;
  }
  const { data } = await queries.list(client, workspaceId, { limit: 200 });
  if (data.some((row) => row.revokedAt === null)) return null;
  return (await createApiKey(client, clock, { workspaceId, name: 'bootstrap' })).key;
}

function store(
  client: Queryable,
  clock: Clock,
  key: string,
  options: ApiKeyOptions,
): Promise<queries.ApiKeyRow> {
  return queries.insert(client, {
    id: newId('key', clock.now()),
    workspaceId: options.workspaceId,
    name: options.name,
    keyHash: hashOf(key),
    prefix: key.startsWith(PREFIX) ? key.slice(0, SHOWN_CHARS) : '',
    scopes: [...(options.scopes ?? ALL_SCOPES)],
    expiresAt: options.expiresAt ?? null,
  });
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key, 'utf8').digest();
}
