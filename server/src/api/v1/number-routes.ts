import { z } from 'zod';
import * as agents from '../../db/queries/agents.ts';
import { NumberError } from '../../trunks/number-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError, type ApiErrorCode } from '../errors.ts';
import {
  errorResponses,
  idParams,
  pageOf,
  pageQuery,
  readErrors,
  writeErrors,
} from '../schemas/common.ts';
import {
  numberCreateSchema,
  numberPatchSchema,
  numberView,
  numberViewSchema,
} from '../schemas/number.ts';

/** `/v1/numbers`. */
export function numberRoutes(api: Api, context: ApiContext): void {
  const { numbers } = context;
  const tags = ['numbers'];

  api.post(
    '/numbers',
    {
      schema: {
        tags,
        operationId: 'addNumber',
        summary: 'Add a number to a trunk',
        body: numberCreateSchema,
        response: { 201: numberViewSchema, ...writeErrors, ...errorResponses(409) },
      },
    },
    async (request, reply) => {
      const { number, trunk_id: trunkId, agent_id: agentId = null, ...rest } = request.body;
      const { workspaceId } = request.caller;
      await requireAgent(workspaceId, agentId);
      const row = await numbers
        .add(workspaceId, {
          e164: number,
          trunkId,
          agentId,
          name: rest.name,
          provider: rest.provider,
          inboundTrunkId: rest.inbound_trunk_id,
          e164Check: rest.e164_check,
        })
        .catch((error: unknown) => refuse(error, number));
      return reply.status(201).send(numberView(row));
    },
  );

  api.get(
    '/numbers',
    {
      schema: {
        tags,
        operationId: 'listNumbers',
        summary: 'List numbers',
        querystring: pageQuery.extend({
          trunk_id: z.string().max(100).optional(),
          agent_id: z.string().max(100).optional(),
        }),
        response: { 200: pageOf(numberViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const { trunk_id: trunkId, agent_id: agentId, ...range } = request.query;
      const page = await numbers.list(request.caller.workspaceId, { ...range, trunkId, agentId });
      return { data: page.data.map(numberView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/numbers/:id',
    {
      schema: {
        tags,
        operationId: 'getNumber',
        summary: 'Get a number',
        params: idParams,
        response: { 200: numberViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const row = await numbers.get(request.caller.workspaceId, id);
      if (!row) throw unknownNumber(id);
      return numberView(row);
    },
  );

  api.patch(
    '/numbers/:id',
    {
      schema: {
        tags,
        operationId: 'updateNumber',
        summary: 'Say who answers a number, and which trunk it is on; at once',
        params: idParams,
        body: numberPatchSchema,
        response: { 200: numberViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const { body } = request;
      await requireAgent(workspaceId, body.agent_id ?? null);
      const row = await numbers
        .update(workspaceId, id, {
          agentId: body.agent_id,
          trunkId: body.trunk_id,
          inboundTrunkId: body.inbound_trunk_id,
          name: body.name,
          provider: body.provider,
        })
        .catch((error: unknown) => refuse(error, id));
      if (!row) throw unknownNumber(id);
      return numberView(row);
    },
  );

  api.delete(
    '/numbers/:id',
    {
      schema: {
        tags,
        operationId: 'removeNumber',
        summary: 'Take a number off its trunk',
        params: idParams,
        response: { 204: z.null(), ...writeErrors },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await numbers.remove(request.caller.workspaceId, id))) throw unknownNumber(id);
      return reply.status(204).send(null);
    },
  );

  async function requireAgent(workspaceId: string, agentId: string | null): Promise<void> {
    if (agentId === null) return;
    if (!(await agents.get(context.database.tenant(workspaceId), workspaceId, agentId))) {
      throw new ApiError('agent_not_found', `there is no agent ${agentId} in this workspace`);
    }
  }
}

const NUMBER_ERRORS: Record<NumberError['code'], ApiErrorCode> = {
  'invalid-number': 'invalid_number',
  'trunk-not-found': 'trunk_not_found',
  'number-taken': 'number_taken',
};

function unknownNumber(id: string): ApiError {
  return new ApiError('not_found', `there is no number ${id} in this workspace`);
}

function refuse(error: unknown, number: string): never {
  if (!(error instanceof NumberError)) throw error;
  const { code, message } = error;
  if (code === 'trunk-not-found') {
    throw new ApiError('trunk_not_found', `${message} in this workspace`, [
      { field: 'trunk_id', problem: message },
    ]);
  }
  throw new ApiError(NUMBER_ERRORS[code], `number '${number}': ${message}`, [
    { field: 'number', problem: message },
  ]);
}
