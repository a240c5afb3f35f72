import { z } from 'zod';
import * as apiKeys from '../../db/queries/api-keys.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { idParams, pageOf, pageQuery, readErrors, writeErrors } from '../schemas/common.ts';
import {
  keyCreateSchema,
  keyView,
  keyViewSchema,
  newKeySchema,
  newKeyView,
} from '../schemas/key.ts';
import { invalidRequest } from '../validate.ts';

/** `/v1/keys`. */
export function keyRoutes(api: Api, context: ApiContext): void {
  const { database } = context;
  const tags = ['keys'];

  api.post(
    '/keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'createKey',
        summary: 'Create an API key; it is shown once',
        body: keyCreateSchema,
        response: { 201: newKeySchema, ...writeErrors },
      },
    },
    async (request, reply) =>
      reply.status(201).send(await makeKey(context, request.caller.workspaceId, request.body)),
  );

  api.get(
    '/keys',
    {
      schema: {
        tags,
        operationId: 'listKeys',
        summary: 'List API keys',
        querystring: pageQuery,
        response: { 200: pageOf(keyViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const page = await apiKeys.list(database.tenant(workspaceId), workspaceId, request.query);
      return { data: page.data.map(keyView), next_cursor: page.nextCursor };
    },
  );

  api.delete(
    '/keys/:id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'revokeKey',
        summary: 'Revoke an API key; at once',
        params: idParams,
        response: { 204: z.null(), ...writeErrors },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      if (!(await apiKeys.revoke(database.tenant(workspaceId), workspaceId, id))) {
        throw new ApiError('not_found', `there is no key ${id} that could be revoked`);
      }
      context.auth.forgetKeys();
      return reply.status(204).send(null);
    },
  );
}

/**
 * A key of the workspace, as it is shown this once.
 * @throws ApiError `invalid_request`
 */
export async function makeKey(
  context: ApiContext,
  workspaceId: string,
  body: z.output<typeof keyCreateSchema>,
): Promise<z.output<typeof newKeySchema>> {
  const { name, kind, scopes, expires_at } = body;
  const expiresAt = expires_at === null ? null : new Date(expires_at);
  if (expiresAt !== null && expiresAt.getTime() <= context.clock.now()) {
    throw invalidRequest([{ field: 'expires_at', problem: 'expected a time to come' }]);
  }
  return newKeyView(await context.createKey({ workspaceId, name, kind, scopes, expiresAt }));
}
