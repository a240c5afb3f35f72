import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import * as acls from '../../db/queries/zentrunk-ip-acls.ts';
import type { IpAclInput, ZentrunkStore } from '../../trunk-service/zentrunk-store.ts';
import { sourceNotice } from '../../trunks/source-width.ts';
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

const aclSchema = z
  .object({
    ipacl_uuid: z.string(),
    name: z.string(),
    ip_addresses: z.array(z.string()),
  })
  .meta({ id: 'ZentrunkIpAcl' });

const aclBody = z
  .strictObject({
    name: z.string().optional(),
    ip_addresses: z
      .array(z.string().max(60))
      .optional()
      .describe('Addresses and CIDRs; an update replaces the list. Required to create.'),
  })
  .meta({ examples: [{ name: 'Office', ip_addresses: ['203.0.113.7', '198.51.100.0/24'] }] });

const FILTERS = ['name'] as const;
const PATH = '/:auth_id/Zentrunk/IPAccessControlList';

/** `Zentrunk/IPAccessControlList/`. */
export function ipAclRoutes(api: Api, context: ApiContext, store: ZentrunkStore): void {
  const tags = ['zentrunk'];

  api.post(
    PATH,
    {
      schema: {
        tags,
        operationId: 'createZentrunkIpAcl',
        summary: 'Create an IP access control list',
        params: accountParams,
        body: aclBody,
        response: { 201: changedSchema.extend({ ipacl_uuid: z.string() }), ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const row = await store.createIpAcl(request.caller.workspaceId, inputOf(request.body));
      tellWide(reply, row.ipAddresses);
      return reply.status(201).send({
        api_id: request.apiId,
        message: 'IP access control list created successfully.',
        ipacl_uuid: row.id,
      });
    },
  );

  api.get(
    PATH,
    {
      schema: {
        tags,
        operationId: 'listZentrunkIpAcls',
        summary: 'List IP access control lists, newest first',
        params: accountParams,
        querystring: listQuery(FILTERS),
        response: { 200: listOf(aclSchema), ...zentrunkErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const asked = new ListRequest(request.query, FILTERS);
      const client = context.database.tenant(workspaceId);
      const filter = { name: asked.text('name') };
      const found = await acls.list(client, workspaceId, filter, asked.page);
      const path = `v1/Account/${workspaceId}/Zentrunk/IPAccessControlList/`;
      return asked.answer(request.apiId, path, found, aclView);
    },
  );

  api.get(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'getZentrunkIpAcl',
        summary: 'Get an IP access control list',
        params: itemParams,
        response: {
          200: aclSchema.extend({ api_id: z.string(), object: aclSchema }),
          ...zentrunkErrors(),
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const id = uuidOr404(request.params.uuid);
      const row = await acls.get(context.database.tenant(workspaceId), workspaceId, id);
      if (!row) throw notFound(id);
      return { api_id: request.apiId, ...aclView(row), object: aclView(row) };
    },
  );

  api.post(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'updateZentrunkIpAcl',
        summary: 'Update an IP access control list',
        params: itemParams,
        body: aclBody,
        response: { 202: changedSchema, ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const id = uuidOr404(request.params.uuid);
      const { workspaceId } = request.caller;
      if (!(await store.updateIpAcl(workspaceId, id, inputOf(request.body)))) throw notFound(id);
      tellWide(reply, request.body.ip_addresses ?? []);
      const message = 'IP access control list updated successfully.';
      return reply.status(202).send({ api_id: request.apiId, message });
    },
  );

  api.delete(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'deleteZentrunkIpAcl',
        summary: 'Delete an IP access control list; trunks that name it let nobody in any more',
        params: itemParams,
        response: { 204: z.null(), ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const id = uuidOr404(request.params.uuid);
      const found = await acls.remove(context.database.tenant(workspaceId), workspaceId, id);
      if (!found) throw notFound(id);
      return reply.status(204).send(null);
    },
  );
}

function inputOf(body: z.output<typeof aclBody>): IpAclInput {
  return { name: body.name, ipAddresses: body.ip_addresses };
}

/** G14, where Plivo's answer has no place for it. */
function tellWide(reply: FastifyReply, sources: readonly string[]): void {
  const notice = sourceNotice(sources);
  if (notice !== null) void reply.header('x-trunkline-notice', notice);
}

function aclView(row: acls.ZentrunkIpAclRow): z.output<typeof aclSchema> {
  return { ipacl_uuid: row.id, name: row.name, ip_addresses: row.ipAddresses };
}
