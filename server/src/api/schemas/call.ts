import { z } from 'zod';
import { CALL_STATUSES } from '../../calls/call-status.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import type { AttemptRow } from '../../db/queries/attempts.ts';
import type { TurnRow } from '../../db/queries/turns.ts';
import type { TurnLatency } from '../../voice/worker-protocol.ts';
import { isoOrNull, pageQuery, timeOrNull } from './common.ts';

const statusSchema = z.enum(CALL_STATUSES);
const numberSchema = z
  .string()
  .min(1)
  .max(40)
  .describe('Phone number in E.164 form, such as +14155550123.');

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
    variables: z
      .record(z.string().min(1).max(100), z.string().max(10_000))
      .default({})
      .describe('Values of `{name}` and `{{ name }}` in greeting, prompt and script.'),
    scheduled_at: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('When to dial, at most a year ahead. Default: at once.'),
  })
  .meta({
    examples: [{ to: '+15005550101', variables: { name: 'Maria', time: 'tomorrow at 10' } }],
  });

export const callListQuery = pageQuery.extend({
  status: statusSchema.optional(),
  direction: z.enum(['outbound', 'inbound']).optional(),
  agent_id: z.string().max(100).optional(),
  to: z.string().max(40).optional(),
  from: z.string().max(40).optional(),
  created_after: z.iso.datetime({ offset: true }).optional(),
  created_before: z.iso.datetime({ offset: true }).optional(),
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
});

const attemptSchema = z.object({
  gateway: z.string().describe('host:port;transport'),
  sip_call_id: z.string().describe('The Call-ID header, to find the call in a carrier’s trace.'),
  sip: z.object({ code: z.number().int().nullable(), reason: z.string().nullable() }),
  started_at: z.iso.datetime(),
  ended_at: timeOrNull,
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
    answered_by: z.string().nullable(),
    sip: z.object({ code: z.number().int().nullable(), reason: z.string().nullable() }),
    from: z.string(),
    to: z.string(),
    agent_id: z.string().nullable(),
    trunk_id: z.string().nullable(),
    variables: z.record(z.string(), z.unknown()),
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
    duration_ms: z.number().int().nullable().describe('From the answer to the end of the line.'),
    transcript: z.string().nullable(),
    turns: z.array(turnSchema),
    attempts: z
      .array(attemptSchema)
      .describe('Every INVITE of the call, one per gateway that was tried.'),
    outcome: z.record(z.string(), z.unknown()),
    recording_url: z.string().nullable().describe('WAV, far end left, agent right; needs the key.'),
    recording_duration_ms: z.number().int().nullable(),
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
  .omit({ turns: true, transcript: true, attempts: true })
  .meta({ id: 'CallSummary' });

export function callSummary(row: CallRow, baseUrl: string): z.output<typeof callSummarySchema> {
  const { answeredAt, disconnectedAt } = row;
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
    duration_ms:
      row.durationMs ??
      (answeredAt && disconnectedAt ? disconnectedAt.getTime() - answeredAt.getTime() : null),
    outcome: row.outcome,
    recording_url: row.recordingKey === null ? null : `${baseUrl}/v1/calls/${row.id}/recording`,
    recording_duration_ms: row.recordingDurationMs,
    cost: row.cost as CallView['cost'],
  };
}

/** What is stored around a call. */
export interface CallParts {
  turns: readonly TurnRow[];
  attempts: readonly AttemptRow[];
}

export function callView(row: CallRow, { turns, attempts }: CallParts, baseUrl: string): CallView {
  return {
    ...callSummary(row, baseUrl),
    transcript:
      turns.length === 0 ? null : turns.map((turn) => `${turn.speaker}: ${turn.text}`).join('\n'),
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
