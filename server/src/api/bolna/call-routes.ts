import { z } from 'zod';
import type { RetryPolicy } from '../../agents/retry-schema.ts';
import type { JsonValue } from '../../agents/variables.ts';
import { FINAL_STATUSES } from '../../calls/call-status.ts';
import { isOver } from '../../calls/call-status-fsm.ts';
import type { CallRequest } from '../../calls/admission.ts';
import { bolnaId } from '../../webhooks/formats/bolna-execution.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { AgentDocuments } from './agent-documents.ts';
import { readGuardrails } from './agent-document.ts';
import { BolnaError, bolnaErrors, unprocessable } from './bolna-errors.ts';
import { executionParams, ownId } from './bolna-ids.ts';
import { executionOf, executionSchema } from './execution-schema.ts';
import { requiredExecution } from './execution-routes.ts';
import { Translation } from './translation.ts';

const RETRIED = ['no-answer', 'busy', 'failed', 'error'] as const;

const retrySchema = z.strictObject({
  enabled: z.boolean().default(false),
  max_retries: z.number().int().min(1).max(3).default(3),
  retry_on_statuses: z.array(z.enum(RETRIED)).default(['no-answer', 'busy', 'failed']),
  retry_on_voicemail: z.boolean().default(false),
  retry_intervals_minutes: z.array(z.number().positive().max(10_080)).min(1).max(10).optional(),
});

const number = z
  .string()
  .max(40)
  .regex(/^\+[1-9]\d{5,14}$/, 'must be in E.164 form, such as +14155550123');

const callBody = z
  .strictObject({
    agent_id: z.string().min(1).max(100),
    recipient_phone_number: number.optional(),
    recipient: z
      .looseObject({ phone_number: number })
      .optional()
      .describe('The other spelling; its other fields are variables, such as `{recipient.name}`.'),
    from_phone_number: number.nullish().describe('A number of a trunk of yours.'),
    from_number: number.nullish().describe('The other spelling.'),
    scheduled_at: z
      .string()
      .max(40)
      .nullish()
      .describe('ISO 8601 with an offset; without one it is UTC.'),
    user_data: z.record(z.string(), z.unknown()).nullish().describe('Variables of the prompt.'),
    agent_data: z.looseObject({}).nullish(),
    retry_config: retrySchema.nullish(),
    bypass_call_guardrails: z
      .boolean()
      .nullish()
      .describe('Leaves the agent’s own calling hours out; the guardrails of the platform stay.'),
  })
  .meta({
    examples: [
      {
        agent_id: '019a8b3c-1f2e-4d5a-9b6c-7d8e9f0a1b2c',
        recipient_phone_number: '+15005550101',
      },
      {
        agent_id: '019a8b3c-1f2e-4d5a-9b6c-7d8e9f0a1b2c',
        recipient_phone_number: '+15005550102',
        user_data: { name: 'Priya', plan: 'annual' },
        retry_config: {
          enabled: true,
          max_retries: 2,
          retry_on_statuses: ['no-answer', 'busy'],
          retry_intervals_minutes: [30, 60],
        },
      },
    ],
  });

const placedSchema = z.object({
  message: z.string(),
  status: z.string(),
  execution_id: z.string(),
});

/** `/call`. */
export function bolnaCallRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolna'];
  const documents = new AgentDocuments(context);

  api.post(
    '/call',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'placeBolnaCall',
        summary: 'Place a call',
        headers: z.object({ 'idempotency-key': z.string().min(1).max(200).optional() }),
        body: callBody,
        response: { 200: placedSchema, ...bolnaErrors(400, 404, 422, 429) },
      },
    },
    async (request) => {
      const { workspaceId, keyId } = request.caller;
      const { body } = request;
      const agentId = ownId('agent', body.agent_id);
      const { document } = await documents.get(workspaceId, agentId);
      const hours = readGuardrails(document['calling_guardrails'], new Translation());
      const { call } = await context.calls.place({
        ...requestOf(body),
        workspaceId,
        agentId,
        apiKeyId: keyId,
        idempotencyKey: request.headers['idempotency-key'],
        ...(hours && body.bypass_call_guardrails !== true && { callingWindow: windowOf(hours) }),
      });
      return { message: 'done', status: call.status, execution_id: bolnaId(call.id) };
    },
  );

  api.get(
    '/call/:execution_id/status',
    {
      schema: {
        tags,
        operationId: 'getBolnaCallStatus',
        summary: 'Where a call is: its execution',
        params: executionParams,
        response: { 200: executionSchema, ...bolnaErrors(404) },
      },
    },
    async (request) => {
      const call = await requiredExecution(context, request);
      const execution = await executionOf(context, call);
      return { execution_id: execution.id, ...execution };
    },
  );

  api.post(
    '/call/:execution_id/stop',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'stopBolnaCall',
        summary: 'Stop a call: one that waits is canceled, a live one hung up',
        params: executionParams,
        response: { 200: placedSchema, ...bolnaErrors(400, 404) },
      },
    },
    async (request) => {
      const call = await requiredExecution(context, request);
      const { outcome } = await context.calls.hangup(call.workspaceId, call.id);
      if (outcome === 'over' || outcome === 'not-found') {
        throw new BolnaError(400, `the call is over: its status is ${call.status}`);
      }
      return { message: 'done', status: 'stopped', execution_id: bolnaId(call.id) };
    },
  );

  api.post(
    '/v1/call/:execution_id/events',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'sendBolnaCallEvent',
        summary: 'Bring an event into a live call: refused, agents have no event edges',
        params: executionParams,
        body: z
          .strictObject({
            event: z.string().min(1).max(200),
            properties: z.record(z.string(), z.unknown()).optional(),
          })
          .meta({ examples: [{ event: 'payment_received', properties: { amount: 49.5 } }] }),
        response: bolnaErrors(404, 422, 501),
      },
    },
    async (request) => {
      const call = await requiredExecution(context, request).catch((error: unknown) => {
        if (error instanceof BolnaError && error.status === 404) throw noActiveCall();
        throw error;
      });
      if (isOver(call.status) || FINAL_STATUSES.has(call.status)) throw noActiveCall();
      throw new BolnaError(
        501,
        'events lead graph agents from node to node; agents here have no nodes, so an event would change nothing',
      );
    },
  );
}

function noActiveCall(): BolnaError {
  return new BolnaError(404, 'No active call found for this run_id');
}

/** Hours of whole days, in the callee's time. An hour that begins and ends alike is that hour. */
function windowOf({
  startHour,
  endHour,
}: {
  startHour: number;
  endHour: number;
}): NonNullable<CallRequest['callingWindow']> {
  const clock = (hour: number): string => `${String(hour).padStart(2, '0')}:00`;
  return [
    {
      days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
      from: clock(startHour),
      to: clock(endHour === startHour ? endHour + 1 : endHour),
    },
  ];
}

/** @throws BolnaError 422 */
function requestOf(body: z.output<typeof callBody>): Omit<CallRequest, 'workspaceId'> {
  const { recipient, retry_config: retry } = body;
  const to = body.recipient_phone_number ?? recipient?.phone_number;
  if (to === undefined) {
    throw unprocessable([{ field: 'recipient_phone_number', problem: 'field required' }]);
  }
  if (body.agent_data && Object.values(body.agent_data).some((value) => value != null)) {
    throw unprocessable([
      { field: 'agent_data', problem: 'a call speaks with its agent’s voice; change the agent' },
    ]);
  }
  const name = typeof recipient?.['name'] === 'string' ? { name: recipient['name'] } : {};
  return {
    to,
    from: body.from_phone_number ?? body.from_number ?? undefined,
    door: 'bolna',
    variables: {
      ...name,
      ...(recipient && { recipient: recipient as Record<string, JsonValue> }),
      ...(body.user_data as Record<string, JsonValue> | null | undefined),
    },
    scheduledAt: timeOf(body.scheduled_at),
    retry: retryOf(retry),
    whenFull: 'queue',
    onInsufficientCredit: 'record',
    onGuardrailLater: 'reschedule',
  };
}

function retryOf(given: z.output<typeof retrySchema> | null | undefined): RetryPolicy | undefined {
  if (!given?.enabled) return undefined;
  const intervals = given.retry_intervals_minutes ?? [30, 60, 120];
  return {
    on: [
      ...new Set([...given.retry_on_statuses, ...(given.retry_on_voicemail ? ['voicemail'] : [])]),
    ] as RetryPolicy['on'],
    intervals_s: intervals.map((minutes) => Math.max(1, Math.round(minutes * 60))),
    max_attempts: given.max_retries + 1,
  };
}

const DATE_TIME =
  /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/i;

/** @throws BolnaError 422 */
function timeOf(text: string | null | undefined): Date | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  const match = DATE_TIME.exec(text.trim());
  const time = new Date(`${text.trim().replace(' ', 'T')}${match?.[1] ? '' : 'Z'}`);
  if (!match || Number.isNaN(time.getTime())) {
    throw unprocessable([
      { field: 'scheduled_at', problem: 'must be ISO 8601, such as 2026-12-24T09:30:00+05:30' },
    ]);
  }
  return time;
}
