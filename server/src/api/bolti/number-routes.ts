import { z } from 'zod';
import * as agents from '../../db/queries/agents.ts';
import type { NumberRow } from '../../db/queries/numbers.ts';
import { NumberError } from '../../trunks/number-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { pageOf, pageQuery } from '../schemas/common.ts';
import { boltiErrors } from './bolti-errors.ts';
import { agentParams, numberParams, text, workspaceParams } from './bolti-schemas.ts';

const numberSchema = z
  .object({
    id: z.string().describe('What `agent_phone_number_id` takes.'),
    phone_number: z.string(),
    agent_id: text.describe('The one agent that answers it.'),
    trunk_id: z.string(),
    provider: z.string(),
    created_at: z.string(),
  })
  .meta({ id: 'BoltiPhoneNumber' });

const importBody = z
  .strictObject({
    phone_number: z.string().min(1).max(40).describe('E.164 with +.'),
    trunk_id: z.string().min(1).max(100).describe('Your SIP trunk; see /v1/trunks.'),
    agent_id: z.string().min(1).max(100).nullable().optional(),
  })
  .meta({
    examples: [
      {
        phone_number: '+14155550123',
        trunk_id: 'trunk_01j9zq9c5b8d1f4h7k0m3p6s9v',
        agent_id: 'agent_01j9zq8f3v6m2k4n7p0r5t8w1x',
      },
    ],
  });
const assignBody = z
  .strictObject({ agent_id: z.string().min(1).max(100).nullable() })
  .meta({ examples: [{ agent_id: 'agent_01j9zq8f3v6m2k4n7p0r5t8w1x' }] });
const ofAgentBody = z
  .strictObject({ phone_number_id: z.string().min(1).max(100) })
  .meta({ examples: [{ phone_number_id: 'number_01j9zqa1c4e7g0j3m6p9r2t5w8' }] });

/** `/workspaces/{id}/phone-numbers` and which agent answers them. */
export function boltiNumberRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolti'];

  api.get(
    '/workspaces/:workspace_id/phone-numbers',
    {
      schema: {
        tags,
        operationId: 'listBoltiPhoneNumbers',
        summary: 'List phone numbers',
        params: workspaceParams,
        querystring: pageQuery,
        response: { 200: pageOf(numberSchema), ...boltiErrors() },
      },
    },
    async (request) => {
      const page = await context.numbers.list(request.caller.workspaceId, request.query);
      return { data: page.data.map(numberView), next_cursor: page.nextCursor };
    },
  );

  api.post(
    '/workspaces/:workspace_id/phone-numbers',
    {
      schema: {
        tags,
        operationId: 'importBoltiPhoneNumber',
        summary: 'Add a number of your SIP trunk; numbers are not sold here',
        params: workspaceParams,
        body: importBody,
        response: { 201: numberSchema, ...boltiErrors(409) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { phone_number: e164, trunk_id: trunkId, agent_id: agentId = null } = request.body;
      if (agentId !== null) await requireAgent(workspaceId, agentId);
      const row = await context.numbers.add(workspaceId, { e164, trunkId, agentId }).catch(refuse);
      return reply.status(201).send(numberView(row));
    },
  );

  api.get(
    '/workspaces/:workspace_id/phone-numbers/:phone_number_id',
    {
      schema: {
        tags,
        operationId: 'getBoltiPhoneNumber',
        summary: 'Get a phone number',
        params: numberParams,
        response: { 200: numberSchema, ...boltiErrors() },
      },
    },
    async (request) => {
      const { phone_number_id: id } = request.params;
      const row = await context.numbers.get(request.caller.workspaceId, id);
      if (!row) throw unknownNumber(id);
      return numberView(row);
    },
  );

  api.patch(
    '/workspaces/:workspace_id/phone-numbers/:phone_number_id',
    {
      schema: {
        tags,
        operationId: 'assignBoltiPhoneNumber',
        summary: 'Say which agent answers; from the next ring on',
        params: numberParams,
        body: assignBody,
        response: { 200: numberSchema, ...boltiErrors() },
      },
    },
    async (request) =>
      assign(request.caller.workspaceId, request.params.phone_number_id, request.body.agent_id),
  );

  api.post(
    '/workspaces/:workspace_id/agents/:agent_id/phone-numbers',
    {
      schema: {
        tags,
        operationId: 'assignBoltiAgentPhoneNumber',
        summary: 'Let this agent answer a number; from the next ring on',
        params: agentParams,
        body: ofAgentBody,
        response: { 200: numberSchema, ...boltiErrors() },
      },
    },
    async (request) =>
      assign(request.caller.workspaceId, request.body.phone_number_id, request.params.agent_id),
  );

  api.delete(
    '/workspaces/:workspace_id/phone-numbers/:phone_number_id',
    {
      schema: {
        tags,
        operationId: 'removeBoltiPhoneNumber',
        summary: 'Take a number off its trunk',
        params: numberParams,
        response: { 204: z.null(), ...boltiErrors() },
      },
    },
    async (request, reply) => {
      const { phone_number_id: id } = request.params;
      const found = await context.numbers.remove(request.caller.workspaceId, id);
      if (!found) throw unknownNumber(id);
      return reply.status(204).send(null);
    },
  );

  async function assign(
    workspaceId: string,
    numberId: string,
    agentId: string | null,
  ): Promise<z.output<typeof numberSchema>> {
    if (agentId !== null) await requireAgent(workspaceId, agentId);
    const row = await context.numbers.assign(workspaceId, numberId, agentId);
    if (!row) throw unknownNumber(numberId);
    return numberView(row);
  }

  async function requireAgent(workspaceId: string, id: string): Promise<void> {
    if (await agents.get(context.database.tenant(workspaceId), workspaceId, id)) return;
    throw new ApiError('agent_not_found', `there is no agent ${id} in this workspace`);
  }
}

function numberView(row: NumberRow): z.output<typeof numberSchema> {
  return {
    id: row.id,
    phone_number: row.e164,
    agent_id: row.agentId,
    trunk_id: row.trunkId,
    provider: row.provider === '' ? 'sip-trunk' : row.provider,
    created_at: row.createdAt.toISOString(),
  };
}

function unknownNumber(id: string): ApiError {
  return new ApiError('not_found', `there is no phone number ${id} in this workspace`);
}

function refuse(error: unknown): never {
  if (!(error instanceof NumberError)) throw error;
  const code = (
    {
      'invalid-number': 'invalid_number',
      'trunk-not-found': 'trunk_not_found',
      'number-taken': 'number_taken',
    } as const
  )[error.code];
  throw new ApiError(code, error.message, [
    {
      field: error.code === 'trunk-not-found' ? 'trunk_id' : 'phone_number',
      problem: error.message,
    },
  ]);
}
