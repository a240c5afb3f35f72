import { z } from 'zod';
import type { JsonValue } from '../../agents/variables.ts';
import { retrySchema } from '../../agents/retry-schema.ts';
import { DOORS } from '../../calls/admission.ts';
import { CALL_STATUSES } from '../../calls/call-status.ts';
import { finishedFields } from '../../calls/finished-fields.ts';
import type { CallRow, CallSummaryRow } from '../../db/queries/calls.ts';
import type { RecordingUrls } from '../../storage/recording-urls.ts';
import type { AttemptRow } from '../../db/queries/attempts.ts';
import type { TurnRow } from '../../db/queries/turns.ts';
import { ANSWERERS } from '../../voice/answered/answer-phrases.ts';
import type { TurnEvidence, TurnLatency } from '../../voice/worker-protocol.ts';
import { answeringSchema } from './answering.ts';
import {
  turnEvidenceSchema,
  turnEvidenceView,
  turnLatencyOf,
  turnLatencySchema,
} from './turn-evidence.ts';
import { mergeTurns, transcriptText } from '../../post-call/transcript-text.ts';
import { callQualitySchema, callQualityView } from './call-quality.ts';
import { isoOrNull, pageQuery, timeOrNull } from './common.ts';
import { toolRunSchema, type ToolRunView } from './tool-run.ts';

const statusSchema = z.enum(CALL_STATUSES);
const numberSchema = z
  .string()
  .min(1)
  .max(40)
  .describe('Phone number in E.164 form, such as +14155550123.');

/** Named, because it holds itself: the document can only say so of a component. */
const jsonValueSchema: z.ZodType<JsonValue> = z
  .lazy(() =>
    z.union([
      z.string(),
      z.number(),
      z.boolean(),
      z.null(),
      z.array(jsonValueSchema),
      z.record(z.string(), jsonValueSchema),
    ]),
  )
  .meta({ id: 'JsonValue' });

export const callCreateSchema = z
  .strictObject({
    to: numberSchema,
    from: numberSchema
      .optional()
      .describe('A number of ours. Default: one of the agent’s, else that of the sandbox trunk.'),
    agent_id: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('Default: the agent of the from-number; over the sandbox trunk, the demo agent.'),
    trunk_id: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('Call from a number of this trunk. Default: the trunk of `from`.'),
    variables: z
      .record(z.string().min(1).max(100), jsonValueSchema)
      .default({})
      .describe(
        'Values of `{name}` and `{{ name }}` in greeting, prompt and script; values inside an ' +
          'object are `{object.name}`. At most 64 KiB.',
      ),
    scheduled_at: z.iso
      .datetime({ offset: true, local: true })
      .optional()
      .describe(
        'When to dial, at most a year ahead: with an offset, or as local time with `timezone`. ' +
          'Default: at once.',
      ),
    timezone: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe('IANA zone of the callee: of `scheduled_at`, of calling hours and `{timezone}`.'),
    retry: retrySchema
      .nullable()
      .optional()
      .describe('Whether the person is called again. Default: `retry` of the agent. Null: never.'),
    metadata: z
      .record(z.string().min(1).max(64), z.string().max(512))
      .refine((value) => Object.keys(value).length <= 50, 'expected at most 50 values')
      .default({})
      .describe('Kept with the call, shown, and a filter of the list.'),
    max_duration_s: z.number().int().min(10).max(14_400).optional(),
    ring_timeout_s: z.number().int().min(1).max(300).optional(),
    purpose: z
      .enum(['service', 'promotional'])
      .optional()
      .describe('What the guardrails judge it as. Default: the workspace’s.'),
  })
  .meta({
    examples: [
      { to: '+15005550101', variables: { name: 'Maria', time: 'tomorrow at 10' } },
      {
        to: '+15005550102',
        agent_id: 'agent_01j9zq8f3v6m2k4n7p0r5t8w1x',
        variables: { name: 'Ravi', order: { number: '4711', total: 49.5 } },
        metadata: { order: '4711' },
        retry: { on: ['no-answer', 'busy'], intervals_s: [1_800, 7_200], max_attempts: 3 },
        max_duration_s: 300,
        ring_timeout_s: 30,
      },
    ],
  });

export const callListQuery = pageQuery.extend({
  status: statusSchema.optional(),
  direction: z.enum(['outbound', 'inbound']).optional(),
  agent_id: z.string().max(100).optional(),
  to: z.string().max(40).optional(),
  from: z.string().max(40).optional(),
  created_after: z.iso.datetime({ offset: true }).optional(),
  created_before: z.iso.datetime({ offset: true }).optional(),
  trunk_id: z.string().max(100).optional(),
  door: z.enum(DOORS).optional().describe('The API that the call was asked for by.'),
  batch_id: z.string().max(100).optional(),
  retry_of: z.string().max(100).optional(),
  answered_by: z.enum(ANSWERERS).optional(),
  metadata_key: z.string().min(1).max(64).optional().describe('Calls whose metadata has it.'),
  metadata_value: z.string().max(512).optional().describe('Of `metadata_key`.'),
});

const latencySchema = z.object({
  total_ms: z.number(),
  endpointing_ms: z.number(),
  stt_ms: z.number(),
  llm_ms: z.number(),
  tts_ms: z.number(),
});

const turnSchema = z.object({
  id: z.string(),
  speaker: z.enum(['caller', 'agent']),
  text: z.string().describe('Of the agent: what the far end heard, cut where playout stopped.'),
  started_ms: z.number().describe('Milliseconds since the answer.'),
  ended_ms: z.number(),
  interrupted: z.boolean(),
  confidence: z.number().nullable(),
  latency: latencySchema
    .nullable()
    .describe('From the end of the caller’s speech to the first audio of the answer.'),
  evidence: turnEvidenceSchema,
});

const attemptSchema = z.object({
  gateway: z.string().describe('host:port;transport'),
  sip_call_id: z.string().describe('The Call-ID header, to find the call in a carrier’s trace.'),
  sip: z.object({ code: z.number().int().nullable(), reason: z.string().nullable() }),
  started_at: z.iso.datetime(),
  ended_at: timeOrNull,
});

const analysisRecordSchema = z.object({
  by: z.enum(['llm', 'rules']).nullable(),
  model: z.string().nullable(),
  attempts: z.number().int(),
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  valid: z.boolean().nullable().describe('Whether the data fulfil the schema.'),
  problems: z.array(z.string()).describe('What the schema has against the data.'),
  evidence: z
    .record(z.string(), z.string())
    .describe('Of rules: the words that each field was read from.'),
  llm_error: z
    .string()
    .nullable()
    .describe('Why the model was not used; null: it was, or is none.'),
});

const costSchema = z.object({
  total_micros: z.number().int(),
  lines: z.array(
    z.object({
      kind: z.enum(['platform', 'network', 'transcriber', 'model', 'synthesizer']),
      provider: z.string().nullable(),
      micros: z.number().int(),
    }),
  ),
});

export const callViewSchema = z
  .object({
    id: z.string(),
    direction: z.enum(['outbound', 'inbound']),
    status: statusSchema,
    end_reason: z.string().nullable(),
    ended_by: z.enum(['caller', 'callee', 'agent', 'api', 'system', 'carrier']).nullable(),
    answered_by: z
      .string()
      .nullable()
      .describe(
        'Who answered an outbound call: `human`, `voicemail`, `ivr`, `call-screening`, `unavailable`, `fax` or `unknown`, as soon as it is known; null: nobody has, or nobody was called.',
      ),
    sip: z.object({ code: z.number().int().nullable(), reason: z.string().nullable() }),
    from: z.string(),
    to: z.string(),
    agent_id: z.string().nullable(),
    trunk_id: z.string().nullable(),
    variables: z.record(z.string(), z.unknown()),
    metadata: z.record(z.string(), z.string()),
    attempt: z.number().int().describe('1, 2, ... over a call and its retries.'),
    retry_of: z.string().nullable().describe('The call that this one tries again.'),
    retry: retrySchema.nullable(),
    guardrail: z
      .string()
      .nullable()
      .describe('The rule that refused it or put it off, such as `G20`.'),
    waiting_for: z
      .string()
      .nullable()
      .describe('What a queued call waits for: `workspace`, `trunk`, `agent`, or `pace`.'),
    max_duration_s: z.number().int().nullable(),
    ring_timeout_s: z.number().nullable(),
    timestamps: z.object({
      created_at: z.iso.datetime(),
      scheduled_at: timeOrNull,
      queued_at: timeOrNull,
      initiated_at: timeOrNull,
      ringing_at: timeOrNull,
      answered_at: timeOrNull,
      first_agent_audio_at: timeOrNull,
      disconnected_at: timeOrNull,
      ended_at: timeOrNull,
    }),
    duration_ms: z
      .number()
      .int()
      .nullable()
      .describe('From the answer to the end of the line; null until the status is final.'),
    transcript: z.string().nullable(),
    turns: z.array(turnSchema),
    tool_runs: z.array(toolRunSchema).describe('What the agent did besides speaking, in order.'),
    attempts: z
      .array(attemptSchema)
      .describe('Every INVITE of the call, one per gateway that was tried.'),
    outcome: z.record(z.string(), z.unknown()),
    summary: z
      .string()
      .nullable()
      .describe('What the talk was about; null until the status is final.'),
    extracted_data: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('What the agent’s `analysis.extraction` asks for; null until the status is final.'),
    analysis: analysisRecordSchema
      .nullable()
      .describe('How summary and data were made: by which model, or by rules.'),
    recording_url: z
      .string()
      .nullable()
      .describe(
        'WAV, far end left, agent right. A signed link that needs no key and ends after RECORDING_URL_TTL_S; null until the status is final.',
      ),
    recording_duration_ms: z.number().int().nullable(),
    quality: callQualitySchema
      .nullable()
      .describe('How the audio was, each way; null until the line is closed, and without audio.'),
    answering: answeringSchema,
    turn_latency: turnLatencySchema,
    cost: costSchema.nullable(),
  })
  .meta({ id: 'Call' });

/** One message of the live feed. */
export const callEventSchema = z
  .object({
    sequence: z
      .number()
      .int()
      .nullable()
      .describe('Grows by one within a call; null: live only, such as interim transcripts.'),
    call_id: z.string(),
    type: z.string().describe('Such as `call.ringing`, `call.turn`, `call.status`.'),
    at: z.iso.datetime(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'CallEvent' });

export type CallView = z.output<typeof callViewSchema>;

/** In lists the turns and attempts are left out. */
export const callSummarySchema = callViewSchema
  .omit({
    quality: true,
    turns: true,
    transcript: true,
    attempts: true,
    tool_runs: true,
    answering: true,
    turn_latency: true,
  })
  .meta({ id: 'CallSummary' });

export function callSummary(
  row: CallSummaryRow,
  urls: Pick<RecordingUrls, 'urlOf'>,
): z.output<typeof callSummarySchema> {
  const { answeredAt, disconnectedAt } = row;
  const finished = finishedFields(row);
  return {
    id: row.id,
    direction: row.direction,
    status: row.status,
    end_reason: row.endReason,
    ended_by: row.endedBy,
    answered_by: row.answeredBy,
    sip: { code: row.sipCode, reason: row.sipReason },
    from: row.fromNumber,
    to: row.toNumber,
    agent_id: row.agentId,
    trunk_id: row.trunkId,
    variables: row.variables,
    metadata: row.metadata,
    attempt: row.attempt,
    retry_of: row.retryOf,
    retry: row.retry === null ? null : (retrySchema.safeParse(row.retry).data ?? null),
    guardrail: row.guardrail,
    waiting_for: row.status === 'queued' ? (row.parkedFor?.split(':')[0] ?? null) : null,
    max_duration_s: row.maxDurationS,
    ring_timeout_s: row.ringTimeoutMs === null ? null : row.ringTimeoutMs / 1_000,
    timestamps: {
      created_at: row.createdAt.toISOString(),
      scheduled_at: isoOrNull(row.scheduledAt),
      queued_at: isoOrNull(row.queuedAt),
      initiated_at: isoOrNull(row.initiatedAt),
      ringing_at: isoOrNull(row.ringingAt),
      answered_at: isoOrNull(answeredAt),
      first_agent_audio_at: isoOrNull(row.firstAgentAudioAt),
      disconnected_at: isoOrNull(disconnectedAt),
      ended_at: isoOrNull(row.endedAt),
    },
    duration_ms: finished.durationMs,
    outcome: row.outcome,
    summary: finished.summary,
    extracted_data: finished.extractedData,
    analysis: finished.analysis as CallView['analysis'],
    recording_url: urls.urlOf({ ...row, recordingKey: finished.recordingKey }),
    recording_duration_ms: finished.recordingDurationMs,
    cost: finished.cost,
  };
}

/** What is stored around a call. */
export interface CallParts {
  turns: readonly TurnRow[];
  attempts: readonly AttemptRow[];
  /** Data of the events `tool.finished`, in order. */
  toolRuns: readonly Record<string, unknown>[];
}

export function callView(
  row: CallRow,
  { turns, attempts, toolRuns }: CallParts,
  urls: Pick<RecordingUrls, 'urlOf'>,
): CallView {
  return {
    ...callSummary(row, urls),
    answering: row.answering as CallView['answering'],
    turn_latency: turnLatencyOf(turns),
    transcript: row.transcript ?? transcriptText(mergeTurns(turns)),
    quality: callQualityView(row.media),
    tool_runs: toolRuns as ToolRunView[],
    attempts: attempts.map((attempt) => ({
      gateway: attempt.gateway,
      sip_call_id: attempt.sipCallId,
      sip: { code: attempt.sipCode, reason: attempt.sipReason },
      started_at: attempt.startedAt.toISOString(),
      ended_at: isoOrNull(attempt.endedAt),
    })),
    turns: turns.map((turn) => ({
      id: turn.id,
      speaker: turn.speaker,
      text: turn.text,
      started_ms: turn.startedMs,
      ended_ms: turn.endedMs,
      interrupted: turn.interrupted,
      confidence: turn.confidence,
      latency: latencyView(turn.latency as TurnLatency | null),
      evidence: turnEvidenceView(turn.evidence as TurnEvidence | null | undefined),
    })),
  };
}

function latencyView(latency: TurnLatency | null): z.output<typeof latencySchema> | null {
  return (
    latency && {
      total_ms: latency.totalMs,
      endpointing_ms: latency.endpointingMs,
      stt_ms: latency.sttMs,
      llm_ms: latency.llmMs,
      tts_ms: latency.ttsMs,
    }
  );
}
