import { z } from 'zod';
import { AdmissionError } from '../../calls/admission-error.ts';
import type { PlacedCall } from '../../calls/place-call.ts';
import { scheduleTime } from '../../calls/schedule-time.ts';
import * as agents from '../../db/queries/agents.ts';
import * as callDetail from '../../db/queries/call-detail.ts';
import * as calls from '../../db/queries/calls.ts';
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
    .describe(
      'A second request with the same key and body answers with the first one’s call as it is now, ' +
        'and the header `idempotent-replayed: true`; with another body it is refused.',
    ),
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
        response: {
          201: callViewSchema,
          ...writeErrors,
          ...errorResponses(402, 403, 409, 422, 429),
        },
      },
    },
    async (request, reply) => {
      const { call, created } = await place(context, request).catch((error: unknown) =>
        refuse(error, request.body),
      );
      if (created) return reply.status(201).send(callView(call, NO_PARTS, context.recordingUrls));
      return reply
        .status(201)
        .header('idempotent-replayed', 'true')
        .send(await view(call.workspaceId, call.id));
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
      const { limit, cursor, ...filter } = request.query;
      if (filter.metadata_value !== undefined && filter.metadata_key === undefined) {
        throw new ApiError('invalid_request', 'metadata_value: expected metadata_key beside it', [
          { field: 'metadata_value', problem: 'expected metadata_key beside it' },
        ]);
      }
      const page = await calls.listSummaries(
        database.tenant(request.caller.workspaceId),
        request.caller.workspaceId,
        filterOf(filter),
        { limit, cursor },
      );
      return {
        data: page.data.map((row) => callSummary(row, context.recordingUrls)),
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
    async (request) => view(request.caller.workspaceId, request.params.id),
  );

  for (const { path, operationId } of [
    { path: '/calls/:id/hangup', operationId: 'hangUpCall' },
    { path: '/calls/:id/stop', operationId: 'stopCall' },
  ] as const) {
    api.post(
      path,
      {
        config: { scope: 'calls' },
        schema: {
          tags,
          operationId,
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
        if (result.outcome === 'over') throw callEnded(result.call);
        return view(workspaceId, id);
      },
    );
  }

  api.post(
    '/calls/:id/cancel',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'cancelCall',
        summary: 'Cancel a call that was not dialled yet; a live one goes on',
        params: idParams,
        response: { 200: callViewSchema, ...writeErrors, ...errorResponses(409) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const result = await context.calls.cancel(request.caller.workspaceId, id);
      switch (result.outcome) {
        case 'not-found':
          throw unknownCall(id);
        case 'over':
          throw callEnded(result.call);
        case 'live':
          throw new ApiError(
            'conflict',
            `call ${id} is on the line (${result.call.status}); end it with POST /v1/calls/${id}/stop`,
          );
        case 'canceled':
          return view(request.caller.workspaceId, id);
      }
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
        call.recordingKey === null
          ? null
          : await context.recordings.open({ ...call, recordingKey: call.recordingKey });
      if (!recording) throw new ApiError('not_found', `there is no recording of call ${call.id}`);
      return reply
        .type('audio/wav')
        .header('content-length', recording.sizeBytes)
        .header('content-disposition', `inline; filename="${call.id}.wav"`)
        .send(recording.stream);
    },
  );

  api.post(
    '/agents/:id/stop-queued',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'stopQueuedCallsOfAgent',
        summary: 'Cancel every call of an agent that was not dialled yet',
        params: idParams,
        response: { 200: z.object({ canceled: z.array(z.string()) }), ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const agent = await agents.get(database.tenant(workspaceId), workspaceId, id);
      if (!agent) throw new ApiError('agent_not_found', `there is no agent ${id}`);
      return { canceled: await context.calls.stopQueuedOfAgent(workspaceId, id) };
    },
  );

  /** @throws ApiError `not_found` */
  async function view(workspaceId: string, id: string): Promise<CallView> {
    const detail = await callDetail.get(database.tenant(workspaceId), workspaceId, id);
    if (!detail) throw unknownCall(id);
    return callView(detail.call, detail, context.recordingUrls);
  }
}

/** Of a call that was stored a moment ago. */
const NO_PARTS = { turns: [], attempts: [], toolRuns: [] };

/** @throws AdmissionError */
async function place(
  context: ApiContext,
  request: {
    body: z.output<typeof callCreateSchema>;
    headers: z.output<typeof idempotencyHeader>;
    caller: { workspaceId: string; keyId: string | null };
  },
): Promise<PlacedCall> {
  const { body, caller } = request;
  const { scheduled_at: scheduledAt, ring_timeout_s: ringTimeoutS, timezone } = body;
  return context.calls.place({
    workspaceId: caller.workspaceId,
    apiKeyId: caller.keyId,
    to: body.to,
    from: body.from,
    agentId: body.agent_id,
    trunkId: body.trunk_id,
    variables: body.variables,
    metadata: body.metadata,
    retry: body.retry,
    maxDurationS: body.max_duration_s,
    ringTimeoutMs: ringTimeoutS === undefined ? undefined : ringTimeoutS * 1_000,
    purpose: body.purpose,
    timezone,
    scheduledAt: scheduledAt === undefined ? undefined : scheduleTime(scheduledAt, timezone),
    idempotencyKey: request.headers['idempotency-key'],
    idempotencyBody: body,
  });
}

function filterOf(
  query: Omit<z.output<typeof callListQuery>, 'limit' | 'cursor'>,
): calls.CallFilter {
  const { created_after: after, created_before: before } = query;
  const { metadata_key: key, metadata_value: value } = query;
  return {
    status: query.status,
    direction: query.direction,
    to: query.to,
    from: query.from,
    agentId: query.agent_id,
    trunkId: query.trunk_id,
    door: query.door,
    batchId: query.batch_id,
    retryOf: query.retry_of,
    answeredBy: query.answered_by,
    createdAfter: after === undefined ? undefined : new Date(after),
    createdBefore: before === undefined ? undefined : new Date(before),
    ...(key !== undefined &&
      (value === undefined ? { metadataKey: key } : { metadata: { [key]: value } })),
  };
}

function callEnded(call: calls.CallRow): ApiError {
  return new ApiError('call_ended', `call ${call.id} is over: its status is ${call.status}`);
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
