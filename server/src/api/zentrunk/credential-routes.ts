import { z } from 'zod';
import * as credentials from '../../db/queries/zentrunk-credentials.ts';
import type { ZentrunkStore } from '../../trunk-service/zentrunk-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { zentrunkErrors } from './zentrunk-errors.ts';
import {
  accountParams,
  changedSchema,
  itemParams,
  listOf,
  listQuery,
  ListRequest,
  notFound,
  uuidOr404,
} from './zentrunk-schemas.ts';

const credentialSchema = z
  .object({ credential_uuid: z.string(), name: z.string(), username: z.string() })
  .meta({ id: 'ZentrunkCredential' });

const credentialBody = z
  .strictObject({
    name: z.string().optional(),
    username: z.string().optional().describe('5 to 20 letters and digits. Required to create.'),
    password: z
      .string()
      .optional()
      .describe('5 to 20 characters with one of ~!@#$%^&*()_+. Required to create; never shown.'),
  })
  .meta({ examples: [{ name: 'AI platform', username: 'agents1', password: 'Secret#2026' }] });
const credentialChange = credentialBody.meta({ examples: [{ password: 'Other#2027' }] });

const FILTERS = ['name', 'username'] as const;
const PATH = '/:auth_id/Zentrunk/Credential';

/** `Zentrunk/Credential/`. */
export function credentialRoutes(api: Api, context: ApiContext, store: ZentrunkStore): void {
  const tags = ['zentrunk'];

  api.post(
    PATH,
    {
      schema: {
        tags,
        operationId: 'createZentrunkCredential',
        summary: 'Create a credential for SIP digest',
        params: accountParams,
        body: credentialBody,
        response: {
          201: changedSchema.extend({ credential_uuid: z.string() }),
          ...zentrunkErrors(),
        },
      },
    },
    async (request, reply) => {
      const row = await store.createCredential(request.caller.workspaceId, request.body);
      return reply.status(201).send({
        api_id: request.apiId,
        message: 'credential created successfully.',
        credential_uuid: row.id,
      });
    },
  );

  api.get(
    PATH,
    {
      schema: {
        tags,
        operationId: 'listZentrunkCredentials',
        summary: 'List credentials, newest first',
        params: accountParams,
        querystring: listQuery(FILTERS),
        response: { 200: listOf(credentialSchema), ...zentrunkErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const asked = new ListRequest(request.query, FILTERS);
      const filter = { name: asked.text('name'), username: asked.text('username') };
      const client = context.database.tenant(workspaceId);
      const found = await credentials.list(client, workspaceId, filter, asked.page);
      const path = `v1/Account/${workspaceId}/Zentrunk/Credential/`;
      return asked.answer(request.apiId, path, found, credentialView);
    },
  );

  api.get(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'getZentrunkCredential',
        summary: 'Get a credential',
        params: itemParams,
        response: {
          200: credentialSchema.extend({ api_id: z.string(), object: credentialSchema }),
          ...zentrunkErrors(),
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const id = uuidOr404(request.params.uuid);
      const row = await credentials.get(context.database.tenant(workspaceId), workspaceId, id);
      if (!row) throw notFound(id);
      return { api_id: request.apiId, ...credentialView(row), object: credentialView(row) };
    },
  );

  api.post(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'updateZentrunkCredential',
        summary: 'Update a credential',
        params: itemParams,
        body: credentialChange,
        response: { 202: changedSchema, ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const id = uuidOr404(request.params.uuid);
      const found = await store.updateCredential(request.caller.workspaceId, id, request.body);
      if (!found) throw notFound(id);
      const message = 'Credential updated successfully.';
      return reply.status(202).send({ api_id: request.apiId, message });
    },
  );

  api.delete(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'deleteZentrunkCredential',
        summary: 'Delete a credential; trunks that name it let nobody in any more',
        params: itemParams,
        response: { 204: z.null(), ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const id = uuidOr404(request.params.uuid);
      const found = await credentials.remove(context.database.tenant(workspaceId), workspaceId, id);
      if (!found) throw notFound(id);
      return reply.status(204).send(null);
    },
  );
}

function credentialView(row: credentials.ZentrunkCredentialRow): z.output<typeof credentialSchema> {
  return { credential_uuid: row.id, name: row.name, username: row.username };
}
