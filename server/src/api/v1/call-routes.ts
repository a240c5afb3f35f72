import { z } from 'zod';
import { AdmissionError } from '../../calls/admission-error.ts';
import * as calls from '../../db/queries/calls.ts';
import * as attempts from '../../db/queries/attempts.ts';
import * as turns from '../../db/queries/turns.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { admissionApiError, ApiError } from '../errors.ts';
import {
  callCreateSchema,
  callListQuery,
  callSummary,
  callSummarySchema,
  callView,
  callViewSchema,
  type CallView,
} from '../schemas/call.ts';
import { errorResponses, idParams, pageOf, readErrors, writeErrors } from '../schemas/common.ts';

const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('A second request with the same key answers with the first one’s call.'),
});

/** `/v1/calls`. */
export function callRoutes(api: Api, context: ApiContext): void {
  const { database } = context;
  const tags = ['calls'];

  api.post(
    '/calls',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'placeCall',
        summary: 'Place a call',
        description:
          '`{"to": "+15005550101"}` is a whole request: the demo agent calls over the sandbox trunk.',
        headers: idempotencyHeader,
        body: callCreateSchema,
        response: { 201: callViewSchema, ...writeErrors, ...errorResponses(409, 422) },
      },
    },
    async (request, reply) => {
      const { to, from, agent_id: agentId, variables, scheduled_at: scheduledAt } = request.body;
      const { workspaceId } = request.caller;
      const placed = await context.calls
        .place({
          workspaceId,
          to,
          from,
          agentId,
          variables,
          scheduledAt: scheduledAt === undefined ? undefined : new Date(scheduledAt),
          idempotencyKey: request.headers['idempotency-key'],
        })
        .catch((error: unknown) => refuse(error, request.body));
      return reply.status(201).send(await view(placed.call));
    },
  );

  api.get(
    '/calls',
    {
      schema: {
        tags,
        operationId: 'listCalls',
        summary: 'List calls, newest first',
        querystring: callListQuery,
        response: { 200: pageOf(callSummarySchema), ...readErrors },
      },
    },
    async (request) => {
      const { limit, cursor, created_after, created_before, agent_id, ...filter } = request.query;
      const page = await calls.list(
        database.tenant(request.caller.workspaceId),
        request.caller.workspaceId,
        {
          ...filter,
          agentId: agent_id,
          createdAfter: created_after === undefined ? undefined : new Date(created_after),
          createdBefore: created_before === undefined ? undefined : new Date(created_before),
        },
        { limit, cursor },
      );
      return {
        data: page.data.map((row) => callSummary(row, context.publicUrl())),
        next_cursor: page.nextCursor,
      };
    },
  );

  api.get(
    '/calls/:id',
    {
      schema: {
        tags,
        operationId: 'getCall',
        summary: 'Get a call with its transcript',
        params: idParams,
        response: { 200: callViewSchema, ...readErrors },
      },
    },
    async (request) =>
      view(await requiredCall(context, request.caller.workspaceId, request.params.id)),
  );

  api.post(
    '/calls/:id/hangup',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'hangUpCall',
        summary: 'End a call: a live one is stopped, a queued one canceled',
        params: idParams,
        response: { 200: callViewSchema, ...writeErrors, ...errorResponses(409) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const result = await context.calls.hangup(workspaceId, id);
      if (result.outcome === 'not-found') throw unknownCall(id);
      if (result.outcome === 'over') {
        throw new ApiError('call_ended', `call ${id} is over: its status is ${result.call.status}`);
      }
      return view(await requiredCall(context, workspaceId, id));
    },
  );

  api.get(
    '/calls/:id/recording',
    {
      schema: {
        tags,
        operationId: 'getCallRecording',
        summary: 'The recording: WAV, 8 kHz, far end left, agent right',
        params: idParams,
        produces: ['audio/wav'],
        response: {
          200: { description: 'The recording.', content: { 'audio/wav': { schema: z.any() } } },
          ...readErrors,
        },
      },
    },
    async (request, reply) => {
      const call = await requiredCall(context, request.caller.workspaceId, request.params.id);
      const recording =
        call.recordingKey === null ? null : await context.recordings.open(call.recordingKey);
      if (!recording) throw new ApiError('not_found', `there is no recording of call ${call.id}`);
      return reply
        .type('audio/wav')
        .header('content-length', recording.sizeBytes)
        .header('content-disposition', `inline; filename="${call.id}.wav"`)
        .send(recording.stream);
    },
  );

  async function view(row: calls.CallRow): Promise<CallView> {
    const tenant = database.tenant(row.workspaceId);
    const parts = {
      turns: await turns.listByCall(tenant, row.id),
      attempts: await attempts.listByCall(tenant, row.id),
    };
    return callView(row, parts, context.publicUrl());
  }
}

/** @throws ApiError `not_found` */
export async function requiredCall(
  context: ApiContext,
  workspaceId: string,
  id: string,
): Promise<calls.CallRow> {
  const row = await calls.get(context.database.tenant(workspaceId), id, workspaceId);
  if (!row) throw unknownCall(id);
  return row;
}

function unknownCall(id: string): ApiError {
  return new ApiError('not_found', `there is no call ${id} in this workspace`);
}

function refuse(error: unknown, body: Record<string, unknown>): never {
  if (error instanceof AdmissionError) throw admissionApiError(error, body);
  throw error;
}
