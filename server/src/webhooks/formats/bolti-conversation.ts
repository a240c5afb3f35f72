import { FINAL_STATUSES } from '../../calls/call-status.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import type { CallFacts } from './webhook-format.ts';

export interface BoltiConversation {
  conversation_id: string;
  agent_id: string | null;
  direction: string;
  status: string;
  /** How it ended; null while it goes on. */
  outcome: string | null;
  hangup_code: string | null;
  from_number: string;
  to_number: string;
  variable_values: Record<string, unknown>;
  scheduled_at: string | null;
  started_at: string | null;
  ended_at: string | null;
  /** Whole seconds that are paid for; 0 until it is over. */
  duration_seconds: number;
  transcript: { role: 'assistant' | 'user'; text: string; start_ms: number }[];
  recording_url: string | null;
}

/** A call in Bolti's words, the same in answers and in webhooks. */
export function boltiConversation(
  facts: Omit<CallFacts, 'attempts' | 'toolRuns'>,
): BoltiConversation {
  const { call } = facts;
  const isOver = FINAL_STATUSES.has(call.status);
  return {
    conversation_id: call.id,
    agent_id: call.agentId,
    direction: call.direction,
    status: conversationStatus(call),
    outcome: isOver ? call.status : null,
    hangup_code: call.endReason,
    from_number: call.fromNumber,
    to_number: call.toNumber,
    variable_values: call.variables,
    scheduled_at: call.scheduledAt?.toISOString() ?? null,
    started_at: call.answeredAt?.toISOString() ?? null,
    ended_at: call.endedAt?.toISOString() ?? null,
    duration_seconds: isOver ? Math.ceil((call.durationMs ?? 0) / 1000) : 0,
    transcript: isOver
      ? facts.turns.map(({ speaker, text, startedMs }) => ({
          role: speaker === 'agent' ? 'assistant' : 'user',
          text,
          start_ms: startedMs,
        }))
      : [],
    recording_url: isOver ? facts.recordingUrl : null,
  };
}

function conversationStatus({ status }: CallRow): string {
  switch (status) {
    case 'scheduled':
    case 'queued':
    case 'rescheduled':
      return 'queued';
    case 'initiated':
      return 'dialing';
    case 'ringing':
      return 'ringing';
    case 'in-progress':
      return 'in_progress';
    default:
      return 'ended';
  }
}
