import { z } from 'zod';
import type { ApiKeyRow } from '../../db/queries/api-keys.ts';
import { SCOPES, scopesOf } from '../../workspaces/scopes.ts';
import { isoOrNull, timeOrNull } from './common.ts';

const scopesSchema = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .describe(
    '`read`: every GET. `write`: agents, trunks, numbers. `calls`: place and end calls. ' +
      '`billing`: usage and wallet. `admin`: all of these, keys and workspaces.',
  );

const kindSchema = z
  .enum(['api', 'livekit'])
  .describe('`api`: one key for a header. `livekit`: a pair that LiveKit clients sign with.');

export const keyCreateSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    kind: kindSchema.default('api'),
    scopes: scopesSchema.default(['admin']),
    expires_at: z.iso
      .datetime({ offset: true })
      .nullable()
      .default(null)
      .describe('When it stops being valid; null: never.'),
  })
  .meta({ examples: [{ name: 'dialler', scopes: ['read', 'calls'] }] });

const common = {
  id: z.string(),
  name: z.string(),
  kind: kindSchema,
  scopes: scopesSchema,
  created_at: z.iso.datetime(),
  expires_at: timeOrNull,
};

export const newKeySchema = z
  .object({
    ...common,
    key: z.string().describe('Shown this once. Of a pair: its name, not secret.'),
    secret: z.string().nullable().describe('Of a pair: its secret, shown this once.'),
  })
  .meta({ id: 'NewKey' });

export const keyViewSchema = z
  .object({
    ...common,
    prefix: z.string().describe('The first characters, to tell keys apart.'),
    last_used_at: timeOrNull,
    revoked_at: timeOrNull,
  })
  .meta({ id: 'Key' });

export function newKeyView(made: {
  row: ApiKeyRow;
  key: string;
  secret: string | null;
}): z.output<typeof newKeySchema> {
  return { ...commonView(made.row), key: made.key, secret: made.secret };
}

export function keyView(row: ApiKeyRow): z.output<typeof keyViewSchema> {
  return {
    ...commonView(row),
    prefix: row.prefix,
    last_used_at: isoOrNull(row.lastUsedAt),
    revoked_at: isoOrNull(row.revokedAt),
  };
}

function commonView(row: ApiKeyRow) {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    scopes: [...scopesOf(row.scopes)],
    created_at: row.createdAt.toISOString(),
    expires_at: isoOrNull(row.expiresAt),
  };
}
