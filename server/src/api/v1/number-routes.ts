import { z } from 'zod';
import * as agents from '../../db/queries/agents.ts';
import { NumberError } from '../../trunks/number-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError, type ApiErrorCode } from '../errors.ts';
import { commonErrors, errorSchema, idParams, pageOf, pageQuery } from '../schemas/common.ts';
import {
  numberCreateSchema,
  numberPatchSchema,
  numberView,
  numberViewSchema,
} from '../schemas/trunk.ts';

/** `/v1/numbers`. */
export function numberRoutes(api: Api, context: ApiContext): void {
  const { numbers } = context;
  const tags = ['numbers'];

  api.post(
    '/numbers',
    {
      schema: {
        tags,
        summary: 'Add a number to a trunk',
        body: numberCreateSchema,
        response: { 201: numberViewSchema, ...commonErrors, 409: errorSchema },
      },
    },
    async (request, reply) => {
      const { number, trunk_id: trunkId, agent_id: agentId } = request.body;
      const { workspaceId } = request.caller;
      await requireAgent(workspaceId, agentId);
      const row = await numbers.add(workspaceId, { e164: number, trunkId, agentId }).catch(refuse);
      return reply.status(201).send(numberView(row));
    },
  );

  api.get(
    '/numbers',
    {
      schema: {
        tags,
        summary: 'List numbers',
        querystring: pageQuery,
        response: { 200: pageOf(numberViewSchema), ...commonErrors },
      },
    },
    async (request) => {
      const page = await numbers.list(request.caller.workspaceId, request.query);
      return { data: page.data.map(numberView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/numbers/:id',
    {
      schema: {
        tags,
        summary: 'Get a number',
        params: idParams,
        response: { 200: numberViewSchema, ...commonErrors },
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
        summary: 'Say who answers a number; at once',
        params: idParams,
        body: numberPatchSchema,
        response: { 200: numberViewSchema, ...commonErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      await requireAgent(workspaceId, request.body.agent_id);
      const row = await numbers.assign(workspaceId, id, request.body.agent_id);
      if (!row) throw unknownNumber(id);
      return numberView(row);
    },
  );

  api.delete(
    '/numbers/:id',
    {
      schema: {
        tags,
        summary: 'Take a number off its trunk',
        params: idParams,
        response: { 204: z.null(), ...commonErrors },
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
    if (!(await agents.get(context.database.pool, workspaceId, agentId))) {
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

function refuse(error: unknown): never {
  if (!(error instanceof NumberError)) throw error;
  throw new ApiError(NUMBER_ERRORS[error.code], error.message, [
    { field: error.code === 'trunk-not-found' ? 'trunk_id' : 'number', problem: error.message },
  ]);
}
