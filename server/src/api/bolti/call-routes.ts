import { z } from 'zod';
import type { JsonValue } from '../../agents/variables.ts';
import { scheduleTime } from '../../calls/schedule-time.ts';
import * as calls from '../../db/queries/calls.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { pageOf, pageQuery } from '../schemas/common.ts';
import { boltiErrors } from './bolti-errors.ts';
import { agentParams, text, workspaceParams } from './bolti-schemas.ts';

const callBody = z
  .strictObject({
    to_number: z.string().min(1).max(40).describe('E.164 with +.'),
    agent_phone_number_id: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe(
        'The number to call from, as GET /workspaces/{id}/phone-numbers shows it. Default: one of the agent’s.',
      ),
    variable_values: z.record(z.string().min(1).max(100), z.unknown()).optional(),
    scheduled_at: z.iso
      .datetime({ offset: true, local: true })
      .optional()
      .describe('When to dial; without an offset it is a time of `timezone`. Default: at once.'),
    timezone: z.string().max(100).optional().describe('IANA name. Default: the workspace’s.'),
  })
  .meta({
    examples: [{ to_number: '+15005550101', variable_values: { name: 'Priya' } }],
  });

const placedSchema = z
  .object({
    conversation_id: z.string(),
    status: z.string(),
    scheduled_call_id: text.describe('Where it is scheduled: the same id.'),
    scheduled_at: text,
  })
  .meta({ id: 'BoltiPlacedCall' });

const scheduledSchema = z
  .object({
    scheduled_call_id: z.string(),
    conversation_id: z.string(),
    agent_id: text,
    to_number: z.string(),
    from_number: z.string(),
    scheduled_at: text,
    status: z.string(),
  })
  .meta({ id: 'BoltiScheduledCall' });

const scheduledParams = workspaceParams.extend({ scheduled_call_id: z.string().min(1).max(100) });

/** Outbound calls, at once or scheduled. */
export function boltiCallRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolti'];
  const { database } = context;

  api.post(
    '/workspaces/:workspace_id/agents/:agent_id/outbound-call',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'placeBoltiCall',
        summary: 'Place a call, or schedule one; the conversation exists at once',
        params: agentParams,
        headers: z.object({ 'idempotency-key': z.string().min(1).max(200).optional() }),
        body: callBody,
        response: { 201: placedSchema, ...boltiErrors(402, 409, 422, 429) },
      },
    },
    async (request, reply) => {
      const { workspaceId, keyId } = request.caller;
      const { body } = request;
      const { call } = await context.calls.place({
        workspaceId,
        agentId: request.params.agent_id,
        to: body.to_number,
        from: await fromNumber(workspaceId, body.agent_phone_number_id),
        variables: body.variable_values as Record<string, JsonValue> | undefined,
        ...(await scheduleOf(workspaceId, body)),
        door: 'bolti',
        apiKeyId: keyId,
        idempotencyKey: request.headers['idempotency-key'],
        idempotencyBody: { ...body, agent_id: request.params.agent_id },
      });
      const isScheduled = call.scheduledAt !== null;
      return reply.status(201).send({
        conversation_id: call.id,
        status: call.status,
        scheduled_call_id: isScheduled ? call.id : null,
        scheduled_at: call.scheduledAt?.toISOString() ?? null,
      });
    },
  );

  api.get(
    '/workspaces/:workspace_id/scheduled-calls',
    {
      schema: {
        tags,
        operationId: 'listBoltiScheduledCalls',
        summary: 'Calls that wait for their time',
        params: workspaceParams,
        querystring: pageQuery,
        response: { 200: pageOf(scheduledSchema), ...boltiErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const page = await calls.list(
        database.tenant(workspaceId),
        workspaceId,
        { status: 'scheduled' },
        request.query,
      );
      return { data: page.data.map(scheduledView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/workspaces/:workspace_id/scheduled-calls/:scheduled_call_id',
    {
      schema: {
        tags,
        operationId: 'getBoltiScheduledCall',
        summary: 'Get a scheduled call',
        params: scheduledParams,
        response: { 200: scheduledSchema, ...boltiErrors() },
      },
    },
    async (request) =>
      scheduledView(await requiredScheduled(request.caller.workspaceId, request.params)),
  );

  api.delete(
    '/workspaces/:workspace_id/scheduled-calls/:scheduled_call_id',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'cancelBoltiScheduledCall',
        summary: 'Cancel a call that waits for its time',
        params: scheduledParams,
        response: { 200: scheduledSchema, ...boltiErrors(409) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id, status } = await requiredScheduled(workspaceId, request.params);
      const result = await context.calls.hangup(workspaceId, id);
      if (result.outcome === 'over') {
        throw new ApiError('call_ended', `the call is over or under way: it is ${status}`);
      }
      return scheduledView(await requiredScheduled(workspaceId, request.params));
    },
  );

  async function fromNumber(
    workspaceId: string,
    numberId: string | undefined,
  ): Promise<string | undefined> {
    if (numberId === undefined) return undefined;
    const number = await context.numbers.get(workspaceId, numberId);
    if (number) return number.e164;
    throw new ApiError('not_found', `there is no phone number ${numberId} in this workspace`, [
      { field: 'agent_phone_number_id', problem: 'there is no such number; GET phone-numbers' },
    ]);
  }

  async function requiredScheduled(
    workspaceId: string,
    { scheduled_call_id: id }: z.output<typeof scheduledParams>,
  ): Promise<calls.CallRow> {
    const row = await calls.get(database.tenant(workspaceId), id, workspaceId);
    if (row?.scheduledAt) return row;
    throw new ApiError('not_found', `there is no scheduled call ${id} in this workspace`);
  }

  async function scheduleOf(
    workspaceId: string,
    { scheduled_at: at, timezone }: z.output<typeof callBody>,
  ): Promise<{ scheduledAt?: Date }> {
    if (at === undefined) return {};
    const workspace = await context.workspaces.get(workspaceId, workspaceId);
    const zone = timezone ?? workspace?.timezone ?? 'UTC';
    return { scheduledAt: scheduleTime(at, zone) };
  }
}

function scheduledView(call: calls.CallRow): z.output<typeof scheduledSchema> {
  return {
    scheduled_call_id: call.id,
    conversation_id: call.id,
    agent_id: call.agentId,
    to_number: call.toNumber,
    from_number: call.fromNumber,
    scheduled_at: call.scheduledAt?.toISOString() ?? null,
    status: call.status,
  };
}
