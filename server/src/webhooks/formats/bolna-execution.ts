import { FINAL_STATUSES } from '../../calls/call-status.ts';
import { finishedFields } from '../../calls/finished-fields.ts';
import { GUARDRAIL_RULES, type RuleId } from '../../compliance/guardrail-types.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import { uuidOfId } from '../../shared/ids.ts';
import type { CallCost } from '../../wallet/price-call.ts';
import { bolnaHangup } from './bolna-hangup.ts';

/** What is stored around a call and shown with it. */
export interface BolnaCallParts {
  turns: readonly { speaker: 'caller' | 'agent'; text: string }[];
  /** The Call-ID header of the last INVITE; null: none has left. */
  sipCallId: string | null;
  /** Where the recording can be fetched; null: there is none. */
  recordingUrl: string | null;
}

/** Micros of a currency in its hundredth. */
const MICROS_PER_CENT = 10_000;
const COST_FIELDS: Record<CallCost['lines'][number]['kind'], string> = {
  model: 'llm',
  network: 'network',
  platform: 'platform',
  synthesizer: 'synthesizer',
  transcriber: 'transcriber',
};

/** Bolna's `termination_reason` where it has a word for ours. */
const TERMINATIONS: Record<string, string> = {
  'callee-hangup': 'user_hung_up',
  'caller-hangup': 'user_hung_up',
  'caller-canceled': 'user_hung_up',
  'user-busy': 'busy',
  unavailable: 'no_answer',
  'request-timeout': 'no_answer',
  'request-terminated': 'no_answer',
  'ring-timeout': 'no_answer',
  voicemail: 'voicemail_reached',
  'invalid-number': 'invalid_number',
  'insufficient-credit': 'insufficient_balance',
  'credit-exhausted': 'insufficient_balance',
  'no-credit': 'insufficient_balance',
  'provider-error': 'provider_error',
  'node-lost': 'platform_error',
  'platform-error': 'platform_error',
  'voice-worker-crashed': 'platform_error',
};

/** An agent or call id as Bolna's clients know it. */
export function bolnaId(id: string): string {
  return uuidOfId(id) ?? id;
}

/** A number's or batch's id: 32 hex digits. */
export function bolnaHexId(id: string): string {
  return uuidOfId(id)?.replaceAll('-', '') ?? id;
}

/**
 * Bolna's execution object: the answer of `GET /executions/{id}` and the body of its webhooks. What
 * is made after the call is null or 0 until the status is final.
 */
export function bolnaExecution(call: CallRow, parts: BolnaCallParts): Record<string, unknown> {
  const settled = FINAL_STATUSES.has(call.status);
  const { cost, extractedData, summary, ...finished } = finishedFields(call);
  const durationMs = finished.durationMs ?? 0;
  return {
    id: bolnaId(call.id),
    agent_id: call.agentId === null ? null : bolnaId(call.agentId),
    batch_id: call.batchId === null ? null : bolnaHexId(call.batchId),
    conversation_duration: durationMs / 1_000,
    total_cost: cost ? cost.total_micros / MICROS_PER_CENT : 0,
    status: call.status,
    error_message: errorMessage(call),
    answered_by_voice_mail: call.answeredBy === 'voicemail',
    transcript: settled ? bolnaTranscript(parts.turns) : null,
    summary,
    created_at: call.createdAt.toISOString(),
    updated_at: call.updatedAt.toISOString(),
    cost_breakdown: costBreakdown(cost),
    telephony_data: telephonyData(call, settled, durationMs, parts),
    transfer_call_data: null,
    batch_run_details: null,
    extracted_data: extractedData,
    context_details: { recipient_data: call.variables },
    termination_reason:
      call.endReason === null ? null : (TERMINATIONS[call.endReason] ?? byWhom(call)),
    scheduled_at: call.scheduledAt?.toISOString() ?? null,
  };
}

/** `assistant:` and `user:` in turns, one a line; null where nobody said a word. */
export function bolnaTranscript(turns: BolnaCallParts['turns']): string | null {
  if (turns.length === 0) return null;
  return turns
    .map(({ speaker, text }) => `${speaker === 'agent' ? 'assistant' : 'user'}: ${text}`)
    .join('\n');
}

function telephonyData(
  call: CallRow,
  settled: boolean,
  durationMs: number,
  { sipCallId, recordingUrl }: BolnaCallParts,
): Record<string, unknown> {
  return {
    duration: String(Math.ceil(durationMs / 1_000)),
    to_number: call.toNumber,
    from_number: call.fromNumber,
    recording_url: settled ? recordingUrl : null,
    hosted_telephony: false,
    provider_call_id: sipCallId,
    call_type: call.direction,
    provider: 'sip-trunk',
    ...bolnaHangup(call),
    ring_duration: secondsBetween(call.ringingAt, call.answeredAt ?? call.endedAt),
    post_dial_delay: secondsBetween(call.initiatedAt, call.ringingAt),
    to_number_carrier: null,
  };
}

function costBreakdown(cost: CallCost | null): Record<string, number> {
  const breakdown: Record<string, number> = {};
  for (const field of Object.values(COST_FIELDS)) breakdown[field] = 0;
  for (const { kind, micros } of cost?.lines ?? []) {
    const field = COST_FIELDS[kind];
    breakdown[field] = (breakdown[field] ?? 0) + micros / MICROS_PER_CENT;
  }
  return breakdown;
}

function secondsBetween(from: Date | null, to: Date | null): number | null {
  return from && to ? Math.max(0, Math.round((to.getTime() - from.getTime()) / 1_000)) : null;
}

const FAULTY = new Set(['failed', 'error', 'balance-low']);

function errorMessage(call: CallRow): string | null {
  const { status, endReason, sipCode, sipReason } = call;
  if (status === 'rescheduled') return guardrailMessage(call);
  if (!FAULTY.has(status)) return null;
  if (endReason === 'guardrail') return guardrailMessage(call) ?? endReason;
  const sip = sipCode === null ? '' : ` (SIP ${sipCode} ${sipReason ?? ''}`.trimEnd() + ')';
  return `${endReason ?? status}${sip}`;
}

/** Why a call was put off or refused; the words of that moment are in its log. */
function guardrailMessage({ guardrail }: CallRow): string | null {
  if (guardrail === null) return null;
  const about = isRule(guardrail) ? ` (${GUARDRAIL_RULES[guardrail]})` : '';
  return `guardrail ${guardrail}${about}`;
}

function isRule(text: string): text is RuleId {
  return Object.hasOwn(GUARDRAIL_RULES, text);
}

function byWhom({ endedBy, status }: CallRow): string {
  if (endedBy === 'agent' || endedBy === 'api') return 'agent_ended_call';
  if (status === 'error' || status === 'failed') return 'provider_error';
  return 'agent_ended_call';
}
