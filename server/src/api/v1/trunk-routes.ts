import { z } from 'zod';
import { TrunkError } from '../../trunks/trunk-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { diagnoseSchema, diagnosisView, diagnosisViewSchema } from '../schemas/diagnosis.ts';
import { dialPlanQuery, dialPlanView, dialPlanViewSchema } from '../schemas/dial-plan.ts';
import {
  errorResponses,
  idParams,
  pageOf,
  pageQuery,
  readErrors,
  writeErrors,
} from '../schemas/common.ts';
import { trunkHealthSchema, trunkHealthView } from '../schemas/trunk-health.ts';
import {
  trunkCreateSchema,
  trunkInput,
  trunkPatchSchema,
  trunkView,
  trunkViewSchema,
} from '../schemas/trunk.ts';
import { invalidRequest } from '../validate.ts';

/** `/v1/trunks`. */
export function trunkRoutes(api: Api, context: ApiContext): void {
  const { trunks } = context;
  const tags = ['trunks'];

  api.post(
    '/trunks',
    {
      schema: {
        tags,
        operationId: 'createTrunk',
        summary: 'Create a trunk',
        body: trunkCreateSchema,
        response: { 201: trunkViewSchema, ...writeErrors },
      },
    },
    async (request, reply) => {
      const { name } = request.body;
      const input = { ...trunkInput(request.body), name };
      const trunk = await trunks.create(request.caller.workspaceId, input).catch(refuse);
      await context.calls.refreshTrunks();
      return reply.status(201).send(trunkView(trunk));
    },
  );

  api.get(
    '/trunks',
    {
      schema: {
        tags,
        operationId: 'listTrunks',
        summary: 'List trunks',
        querystring: pageQuery,
        response: { 200: pageOf(trunkViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const page = await trunks.list(request.caller.workspaceId, request.query);
      return { data: page.data.map(trunkView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/trunks/:id',
    {
      schema: {
        tags,
        operationId: 'getTrunk',
        summary: 'Get a trunk',
        params: idParams,
        response: { 200: trunkViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const trunk = await trunks.get(request.caller.workspaceId, id);
      if (!trunk) throw unknownTrunk(id);
      return trunkView(trunk);
    },
  );

  api.patch(
    '/trunks/:id',
    {
      schema: {
        tags,
        operationId: 'updateTrunk',
        summary: 'Change a trunk; gateways are replaced as a whole',
        params: idParams,
        body: trunkPatchSchema,
        response: { 200: trunkViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const trunk = await trunks
        .update(request.caller.workspaceId, id, trunkInput(request.body))
        .catch(refuse);
      if (!trunk) throw unknownTrunk(id);
      await context.calls.refreshTrunks();
      return trunkView(trunk);
    },
  );

  api.get(
    '/trunks/:id/dial-plan',
    {
      schema: {
        tags,
        operationId: 'previewDialPlan',
        summary: 'What would be sent for a call from and to these numbers; nothing is dialled',
        params: idParams,
        querystring: dialPlanQuery,
        response: { 200: dialPlanViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const trunk = await trunks.get(request.caller.workspaceId, id);
      if (!trunk) throw unknownTrunk(id);
      const { from, to } = request.query;
      const number = await context.numbers.find(request.caller.workspaceId, from);
      return dialPlanView(trunk, { from, to }, number?.trunkId === id, context.sipHost);
    },
  );

  api.get(
    '/trunks/:id/health',
    {
      schema: {
        tags,
        operationId: 'getTrunkHealth',
        summary: 'How a trunk stands with its carrier: registration and gateways',
        params: idParams,
        response: { 200: trunkHealthSchema, ...readErrors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { workspaceId } = request.caller;
      const trunk = await trunks.get(workspaceId, id);
      if (!trunk) throw unknownTrunk(id);
      return trunkHealthView(context.database.tenant(workspaceId), trunk);
    },
  );

  api.post(
    '/trunks/:id/diagnose',
    {
      schema: {
        tags,
        operationId: 'diagnoseTrunk',
        summary: 'Why calls over a trunk do not work, with the evidence and what to do',
        description:
          'Reads the settings, asks each gateway by OPTIONS, and examines a call: the one named, else the newest that is over. Nobody is called.',
        params: idParams,
        body: diagnoseSchema,
        response: { 200: diagnosisViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { workspaceId } = request.caller;
      const trunk = await trunks.get(workspaceId, id);
      if (!trunk) throw unknownTrunk(id);
      const { call_id: callId, from } = request.body;
      const diagnosis = await context.doctor.diagnose(context.database.tenant(workspaceId), {
        workspaceId,
        trunk,
        callId,
        from,
      });
      if (!diagnosis) {
        throw new ApiError('not_found', `there is no call ${callId ?? ''} over trunk ${id}`);
      }
      return diagnosisView(id, diagnosis);
    },
  );

  api.delete(
    '/trunks/:id',
    {
      schema: {
        tags,
        operationId: 'deleteTrunk',
        summary: 'Delete a trunk and its numbers; its calls stay',
        params: idParams,
        response: { 204: z.null(), ...errorResponses(409), ...writeErrors },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const removed = await trunks.remove(request.caller.workspaceId, id).catch(refuse);
      if (!removed) throw unknownTrunk(id);
      await context.calls.refreshTrunks();
      return reply.status(204).send(null);
    },
  );
}

function unknownTrunk(id: string): ApiError {
  return new ApiError('trunk_not_found', `there is no trunk ${id} in this workspace`);
}

function refuse(error: unknown): never {
  if (!(error instanceof TrunkError)) throw error;
  if (error.code === 'conflict') throw new ApiError('conflict', error.message);
  throw invalidRequest([{ field: error.field, problem: error.message }]);
}
