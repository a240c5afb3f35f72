import { z } from 'zod';
import {
  KEYED_PROVIDERS,
  listProviderKeys,
  removeProviderKey,
  setProviderKey,
  type ProviderKey,
} from '../../workspaces/provider-keys.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { pageOf, readErrors, writeErrors } from '../schemas/common.ts';

const providerParams = z.strictObject({
  provider: z.enum(KEYED_PROVIDERS).describe('Name of the provider.'),
});

const providerKeySchema = z
  .object({
    provider: z.string(),
    last4: z.string().describe('The last characters; empty where the key is short.'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'ProviderKey' });

/** `/v1/provider-keys`: keys of providers that all agents of the workspace share. */
export function providerKeyRoutes(api: Api, context: ApiContext): void {
  const { database } = context;
  const tags = ['provider keys'];

  api.put(
    '/provider-keys/:provider',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'setProviderKey',
        summary: 'Store or replace the workspace’s key of a provider; it is never shown',
        params: providerParams,
        body: z
          .strictObject({
            key: z
              .string()
              .min(1)
              .max(500)
              // It goes into a header: a line break that was copied along would end every call.
              .regex(/^[\x21-\x7e]*$/, { error: 'expected a key without spaces and line breaks' })
              .describe('Write-only; sealed when stored.'),
          })
          .meta({ examples: [{ key: 'sk-0123456789abcdef' }] }),
        response: { 200: providerKeySchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const key = { workspaceId, provider: request.params.provider, secret: request.body.key };
      return view(await setProviderKey(database.tenant(workspaceId), context, key));
    },
  );

  api.get(
    '/provider-keys',
    {
      schema: {
        tags,
        operationId: 'listProviderKeys',
        summary: 'List the providers that the workspace has a key of',
        response: { 200: pageOf(providerKeySchema), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const keys = await listProviderKeys(database.tenant(workspaceId), workspaceId);
      return { data: keys.map(view), next_cursor: null };
    },
  );

  api.delete(
    '/provider-keys/:provider',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'removeProviderKey',
        summary: 'Forget the workspace’s key of a provider',
        params: providerParams,
        response: { 204: z.null(), ...writeErrors },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { provider } = request.params;
      if (!(await removeProviderKey(database.tenant(workspaceId), workspaceId, provider))) {
        throw new ApiError('not_found', `the workspace has no key of ${provider}`);
      }
      return reply.status(204).send(null);
    },
  );
}

function view(key: ProviderKey): z.output<typeof providerKeySchema> {
  return {
    provider: key.provider,
    last4: key.last4,
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
  };
}
