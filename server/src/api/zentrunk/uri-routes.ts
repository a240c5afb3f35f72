import { z } from 'zod';
import * as uris from '../../db/queries/zentrunk-uris.ts';
import { parseOriginationUri } from '../../trunk-service/origination-uri.ts';
import type { UriInput, ZentrunkStore } from '../../trunk-service/zentrunk-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { zentrunkErrors } from './zentrunk-errors.ts';
import {
  accountParams,
  booleanOf,
  changedSchema,
  flag,
  itemParams,
  listOf,
  listQuery,
  ListRequest,
  notFound,
  text,
  uuidOr404,
} from './zentrunk-schemas.ts';

const uriSchema = z
  .object({
    uri_uuid: z.string(),
    name: z.string(),
    uri: z.string(),
    authentication_needed: z.boolean(),
    username: text,
    sip_user: text.describe('The user part of the URI.'),
  })
  .meta({ id: 'ZentrunkUri' });

const uriBody = z
  .strictObject({
    name: z.string().optional(),
    uri: z
      .string()
      .max(300)
      .optional()
      .describe('`host`, `host:port` or `sip:user@host`, with `;transport=`. Required to create.'),
    authentication_needed: flag.optional().describe('Default false.'),
    username: z.string().nullish().describe('Required where authentication is needed.'),
    password: z
      .string()
      .nullish()
      .describe('Required where authentication is needed; never shown.'),
  })
  .meta({
    examples: [
      { name: 'AI platform', uri: 'sip.example.com:5060' },
      {
        name: 'AI platform, with login',
        uri: 'sip:agents@sip.example.com;transport=tls',
        authentication_needed: true,
        username: 'agents',
        password: 'Secret#2026',
      },
    ],
  });
const uriChange = uriBody.meta({ examples: [{ uri: 'sip2.example.com:5061;transport=tls' }] });

const FILTERS = ['name', 'uri'] as const;
const removeQuery = z.strictObject({
  force: z.enum(['true', 'false']).optional().describe('`true`: delete its trunks too.'),
});
const PATH = '/:auth_id/Zentrunk/URI';

/** `Zentrunk/URI/`. */
export function uriRoutes(api: Api, context: ApiContext, store: ZentrunkStore): void {
  const tags = ['zentrunk'];

  api.post(
    PATH,
    {
      schema: {
        tags,
        operationId: 'createZentrunkUri',
        summary: 'Create an origination URI',
        params: accountParams,
        body: uriBody,
        response: { 201: changedSchema.extend({ uri_uuid: z.string() }), ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const row = await store.createUri(request.caller.workspaceId, inputOf(request.body));
      return reply.status(201).send({
        api_id: request.apiId,
        message: 'Origination URI created successfully.',
        uri_uuid: row.id,
      });
    },
  );

  api.get(
    PATH,
    {
      schema: {
        tags,
        operationId: 'listZentrunkUris',
        summary: 'List origination URIs, newest first',
        params: accountParams,
        querystring: listQuery(FILTERS),
        response: { 200: listOf(uriSchema), ...zentrunkErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const asked = new ListRequest(request.query, FILTERS);
      const client = context.database.tenant(workspaceId);
      const filter = { name: asked.text('name'), uri: asked.text('uri') };
      const found = await uris.list(client, workspaceId, filter, asked.page);
      const path = `v1/Account/${workspaceId}/Zentrunk/URI/`;
      return asked.answer(request.apiId, path, found, uriView);
    },
  );

  api.get(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'getZentrunkUri',
        summary: 'Get an origination URI',
        params: itemParams,
        response: {
          200: uriSchema.extend({ api_id: z.string(), object: uriSchema }),
          ...zentrunkErrors(),
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const id = uuidOr404(request.params.uuid);
      const row = await uris.get(context.database.tenant(workspaceId), workspaceId, id);
      if (!row) throw notFound(id);
      return { api_id: request.apiId, ...uriView(row), object: uriView(row) };
    },
  );

  api.post(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'updateZentrunkUri',
        summary: 'Update an origination URI',
        params: itemParams,
        body: uriChange,
        response: { 202: changedSchema, ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const id = uuidOr404(request.params.uuid);
      const { workspaceId } = request.caller;
      if (!(await store.updateUri(workspaceId, id, inputOf(request.body)))) throw notFound(id);
      const message = 'Origination URI updated successfully.';
      return reply.status(202).send({ api_id: request.apiId, message });
    },
  );

  api.delete(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'deleteZentrunkUri',
        summary: 'Delete an origination URI; refused while a trunk uses it, unless forced',
        params: itemParams,
        querystring: removeQuery,
        response: { 204: z.null(), ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const id = uuidOr404(request.params.uuid);
      const force = request.query.force === 'true';
      const found = await store.removeUri(request.caller.workspaceId, id, { force });
      if (!found) throw notFound(id);
      return reply.status(204).send(null);
    },
  );
}

function inputOf(body: z.output<typeof uriBody>): UriInput {
  const { authentication_needed: authenticationNeeded, ...rest } = body;
  return { ...rest, authenticationNeeded: booleanOf(authenticationNeeded) };
}

function uriView(row: uris.ZentrunkUriRow): z.output<typeof uriSchema> {
  const user = parseOriginationUri(row.uri)?.user ?? '';
  return {
    uri_uuid: row.id,
    name: row.name,
    uri: row.uri,
    authentication_needed: row.authenticationNeeded,
    username: row.username,
    sip_user: user === '' ? null : user,
  };
}
