import { z } from 'zod';
import * as apiKeys from '../../db/queries/api-keys.ts';
import * as workspaces from '../../db/queries/workspaces.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import {
  idParams,
  isoOrNull,
  pageOf,
  pageQuery,
  readErrors,
  timeOrNull,
  writeErrors,
} from '../schemas/common.ts';

const keyViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('The first characters, to tell keys apart.'),
  created_at: z.iso.datetime(),
  last_used_at: timeOrNull,
  revoked_at: timeOrNull,
});

const workspaceViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  created_at: z.iso.datetime(),
});

/** `/v1/keys` and `/v1/workspaces`. */
export function keyRoutes(api: Api, context: ApiContext): void {
  const { pool } = context.database;

  api.post(
    '/keys',
    {
      schema: {
        tags: ['keys'],
        operationId: 'createKey',
        summary: 'Create an API key; it is shown once',
        body: z.strictObject({ name: z.string().trim().min(1).max(100) }),
        response: {
          201: z.object({ id: z.string(), name: z.string(), key: z.string() }),
          ...writeErrors,
        },
      },
    },
    async (request, reply) => {
      const { name } = request.body;
      const { id, key } = await context.createKey(request.caller.workspaceId, name);
      return reply.status(201).send({ id, name, key });
    },
  );

  api.get(
    '/keys',
    {
      schema: {
        tags: ['keys'],
        operationId: 'listKeys',
        summary: 'List API keys',
        querystring: pageQuery,
        response: { 200: pageOf(keyViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const page = await apiKeys.list(pool, request.caller.workspaceId, request.query);
      return { data: page.data.map(keyView), next_cursor: page.nextCursor };
    },
  );

  api.delete(
    '/keys/:id',
    {
      schema: {
        tags: ['keys'],
        operationId: 'revokeKey',
        summary: 'Revoke an API key',
        params: idParams,
        response: { 204: z.null(), ...writeErrors },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await apiKeys.revoke(pool, request.caller.workspaceId, id))) {
        throw new ApiError('not_found', `there is no key ${id} that could be revoked`);
      }
      return reply.status(204).send(null);
    },
  );

  api.get(
    '/workspaces',
    {
      schema: {
        tags: ['workspaces'],
        operationId: 'listWorkspaces',
        summary: 'The workspace of the key',
        response: { 200: pageOf(workspaceViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const row = await workspaces.get(pool, request.caller.workspaceId);
      const data = row
        ? [{ id: row.id, name: row.name, created_at: row.createdAt.toISOString() }]
        : [];
      return { data, next_cursor: null };
    },
  );
}

function keyView(row: apiKeys.ApiKeyRow): z.output<typeof keyViewSchema> {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    created_at: row.createdAt.toISOString(),
    last_used_at: isoOrNull(row.lastUsedAt),
    revoked_at: isoOrNull(row.revokedAt),
  };
}
