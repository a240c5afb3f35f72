import { z } from 'zod';
import * as trunks from '../../db/queries/zentrunk-trunks.ts';
import type { TrunkInput, ZentrunkStore } from '../../trunk-service/zentrunk-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { zentrunkErrors } from './zentrunk-errors.ts';
import {
  accountParams,
  booleanOf,
  changedSchema,
  flag,
  listOf,
  listQuery,
  ListRequest,
  notFound,
  reference,
  referenceOf,
  text,
  trunkParams,
} from './zentrunk-schemas.ts';

const trunkSchema = z
  .object({
    name: z.string(),
    trunk_id: z.string().describe('15 digits.'),
    trunk_domain: z.string().describe('What an outbound trunk is reached by.'),
    trunk_status: z.enum(['enabled', 'disabled']),
    secure: z.boolean().describe('TLS and SRTP, or neither.'),
    trunk_direction: z.enum(['inbound', 'outbound']),
    ipacl_uuid: text,
    credential_uuid: text,
    primary_uri_uuid: text,
    fallback_uri_uuid: text,
    sip_port: z.number().int().nullable().describe('UDP and TCP; null: no carrier runs here.'),
    sip_tls_port: z.number().int().nullable(),
  })
  .meta({ id: 'ZentrunkTrunk' });

const trunkBody = z
  .strictObject({
    name: z.string().optional(),
    trunk_direction: z.enum(['inbound', 'outbound']).optional().describe('Required to create.'),
    trunk_status: z.enum(['enabled', 'disabled']).optional(),
    secure: flag.optional(),
    ipacl_uuid: reference.describe('Of an outbound trunk: it or `credential_uuid`, or both.'),
    credential_uuid: reference,
    primary_uri_uuid: reference.describe('Required of an inbound trunk.'),
    fallback_uri_uuid: reference,
  })
  .meta({
    examples: [
      {
        name: 'AI agents',
        trunk_direction: 'outbound',
        credential_uuid: '8b1f3a52-6e0f-4d0c-9a8d-0e5d4c3b2a19',
      },
      {
        name: 'Support lines',
        trunk_direction: 'inbound',
        primary_uri_uuid: '2f6c9d14-7b3a-4e58-8c1d-5a0b9e7f6d43',
      },
    ],
  });
const trunkChange = trunkBody.meta({
  examples: [{ name: 'AI agents, night', trunk_status: 'disabled' }],
});

const FILTERS = [
  'trunk_status',
  'trunk_direction',
  'secure',
  'ipacl_uuid',
  'credential_uuid',
  'primary_uri_uuid',
  'fallback_uri_uuid',
] as const;
const PATH = '/:auth_id/Zentrunk/Trunk';

/** `Zentrunk/Trunk/`. */
export function trunkRoutes(api: Api, context: ApiContext, store: ZentrunkStore): void {
  const tags = ['zentrunk'];
  const view = (row: trunks.ZentrunkTrunkRow) => trunkView(row, context);

  api.post(
    PATH,
    {
      schema: {
        tags,
        operationId: 'createZentrunkTrunk',
        summary: 'Create a trunk',
        params: accountParams,
        body: trunkBody,
        response: { 201: changedSchema.extend({ trunk_id: z.string() }), ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const row = await store.createTrunk(workspaceId, inputOf(request.body));
      const notice = await store.trunkNotice(workspaceId, row.id);
      if (notice !== null) void reply.header('x-trunkline-notice', notice);
      return reply.status(201).send({
        api_id: request.apiId,
        message: 'Trunk created successfully.',
        trunk_id: row.id,
      });
    },
  );

  api.get(
    PATH,
    {
      schema: {
        tags,
        operationId: 'listZentrunkTrunks',
        summary: 'List trunks, newest first',
        params: accountParams,
        querystring: listQuery(FILTERS),
        response: { 200: listOf(trunkSchema), ...zentrunkErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const asked = new ListRequest(request.query, FILTERS);
      const status = asked.oneOf('trunk_status', ['enabled', 'disabled']);
      const secure = asked.oneOf('secure', ['true', 'false']);
      const filter = {
        direction: asked.oneOf('trunk_direction', ['inbound', 'outbound']),
        enabled: status && status === 'enabled',
        secure: secure && secure === 'true',
        ipaclUuid: asked.uuid('ipacl_uuid'),
        credentialUuid: asked.uuid('credential_uuid'),
        primaryUriUuid: asked.uuid('primary_uri_uuid'),
        fallbackUriUuid: asked.uuid('fallback_uri_uuid'),
      };
      const found = await store.listTrunks(workspaceId, filter, asked.page);
      return asked.answer(request.apiId, listPath(workspaceId), found, view);
    },
  );

  api.get(
    `${PATH}/:trunk_id`,
    {
      schema: {
        tags,
        operationId: 'getZentrunkTrunk',
        summary: 'Get a trunk; its fields stand by themselves and in `object`',
        params: trunkParams,
        response: {
          200: trunkSchema.extend({ api_id: z.string(), object: trunkSchema }),
          ...zentrunkErrors(),
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { trunk_id: id } = request.params;
      const row = await trunks.get(context.database.tenant(workspaceId), workspaceId, id);
      if (!row) throw notFound(id);
      return { api_id: request.apiId, ...view(row), object: view(row) };
    },
  );

  api.post(
    `${PATH}/:trunk_id`,
    {
      schema: {
        tags,
        operationId: 'updateZentrunkTrunk',
        summary: 'Update a trunk',
        params: trunkParams,
        body: trunkChange,
        response: { 202: changedSchema, ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const { trunk_id: id } = request.params;
      const { workspaceId } = request.caller;
      const found = await store.updateTrunk(workspaceId, id, inputOf(request.body));
      if (!found) throw notFound(id);
      const notice = await store.trunkNotice(workspaceId, id);
      if (notice !== null) void reply.header('x-trunkline-notice', notice);
      const message = 'Trunk updated successfully.';
      return reply.status(202).send({ api_id: request.apiId, message });
    },
  );

  api.delete(
    `${PATH}/:trunk_id`,
    {
      schema: {
        tags,
        operationId: 'deleteZentrunkTrunk',
        summary: 'Delete a trunk; its numbers are routed by it no more',
        params: trunkParams,
        response: { 204: z.null(), ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { trunk_id: id } = request.params;
      const found = await trunks.remove(context.database.tenant(workspaceId), workspaceId, id);
      if (!found) throw notFound(id);
      return reply.status(204).send(null);
    },
  );
}

function listPath(workspaceId: string): string {
  return `v1/Account/${workspaceId}/Zentrunk/Trunk/`;
}

function inputOf(body: z.output<typeof trunkBody>): TrunkInput {
  return {
    name: body.name,
    direction: body.trunk_direction,
    enabled: body.trunk_status === undefined ? undefined : body.trunk_status === 'enabled',
    secure: booleanOf(body.secure),
    ipaclUuid: referenceOf(body.ipacl_uuid),
    credentialUuid: referenceOf(body.credential_uuid),
    primaryUriUuid: referenceOf(body.primary_uri_uuid),
    fallbackUriUuid: referenceOf(body.fallback_uri_uuid),
  };
}

function trunkView(
  row: trunks.ZentrunkTrunkRow,
  { carrier }: ApiContext,
): z.output<typeof trunkSchema> {
  return {
    name: row.name,
    trunk_id: row.id,
    trunk_domain: `${row.id}.${carrier.domain}`,
    trunk_status: row.enabled ? 'enabled' : 'disabled',
    secure: row.secure,
    trunk_direction: row.direction,
    ipacl_uuid: row.ipaclUuid,
    credential_uuid: row.credentialUuid,
    primary_uri_uuid: row.primaryUriUuid,
    fallback_uri_uuid: row.fallbackUriUuid,
    sip_port: carrier.sipPort,
    sip_tls_port: carrier.sipTlsPort,
  };
}
