import { z } from 'zod';
import { CALL_STATUSES } from '../../calls/call-status.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import * as attempts from '../../db/queries/attempts.ts';
import * as turns from '../../db/queries/turns.ts';
import { bolnaExecution } from '../../webhooks/formats/bolna-execution.ts';
import type { ApiContext } from '../api-context.ts';

const text = z.string().nullable();
const count = z.number().nullable();

/** Bolna's execution: a call of ours, also what its webhooks carry. */
export const executionSchema = z
  .looseObject({
    id: z.string(),
    agent_id: text,
    batch_id: text,
    conversation_duration: z.number().describe('Seconds; 0 until the status is final.'),
    total_cost: z.number().describe('Cents; 0 until the status is final.'),
    status: z.enum(CALL_STATUSES),
    error_message: text,
    answered_by_voice_mail: z.boolean(),
    transcript: text,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    cost_breakdown: z.object({
      llm: z.number(),
      network: z.number(),
      platform: z.number(),
      synthesizer: z.number(),
      transcriber: z.number(),
    }),
    telephony_data: z.looseObject({
      duration: z.string(),
      to_number: z.string(),
      from_number: z.string(),
      recording_url: text,
      hosted_telephony: z.boolean(),
      provider_call_id: text.describe('The Call-ID header of the last INVITE.'),
      call_type: z.enum(['outbound', 'inbound']),
      provider: z.string(),
      hangup_by: text,
      hangup_reason: text,
      hangup_provider_code: count,
      ring_duration: count,
      post_dial_delay: count,
      to_number_carrier: text,
    }),
    transfer_call_data: z.unknown(),
    batch_run_details: z.unknown(),
    extracted_data: z.unknown(),
    context_details: z.unknown(),
  })
  .meta({ id: 'BolnaExecution' });

export type Execution = z.output<typeof executionSchema>;

/** The call with what is stored around it, as an execution. */
export async function executionOf(context: ApiContext, call: CallRow): Promise<Execution> {
  const [execution] = await executionsOf(context, call.workspaceId, [call]);
  if (!execution) throw new Error('expected an execution for the call, got none');
  return execution;
}

/** Calls of one workspace as executions, in their order. */
export async function executionsOf(
  context: ApiContext,
  workspaceId: string,
  rows: readonly CallRow[],
): Promise<Execution[]> {
  const db = context.database.tenant(workspaceId);
  const ids = rows.map(({ id }) => id);
  const [spoken, tried] = await Promise.all([
    turns.listByCalls(db, ids),
    attempts.listByCalls(db, ids),
  ]);
  const turnsOf = Map.groupBy(spoken, ({ callId }) => callId);
  const attemptsOf = Map.groupBy(tried, ({ callId }) => callId);
  return rows.map(
    (call) =>
      bolnaExecution(call, {
        turns: turnsOf.get(call.id) ?? [],
        sipCallId: attemptsOf.get(call.id)?.at(-1)?.sipCallId ?? null,
        recordingUrl: context.recordingUrls.urlOf(call),
      }) as Execution,
  );
}
