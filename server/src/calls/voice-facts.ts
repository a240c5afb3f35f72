import { answeringDocument } from './answering-record.ts';
import type { CallEventDraft, ToolRunData } from '../events/call-event.ts';
import type { ToolRunRecord, VoiceCallEvent } from '../voice/worker-protocol.ts';

/** The stored or live fact that a voice event is; null where it is none of these. */
export function factOf(event: VoiceCallEvent): { draft: CallEventDraft; stored: boolean } | null {
  switch (event.type) {
    case 'transcript':
      return {
        stored: event.final,
        draft: {
          type: 'call.transcript',
          data: {
            speaker: event.speaker,
            turn_id: event.turnId,
            text: event.text,
            final: event.final,
          },
        },
      };
    case 'interrupted':
      return stored({
        type: 'call.interrupted',
        data: { turn_id: event.turnId, reaction_ms: event.reactionMs },
      });
    case 'dtmf':
      return stored({ type: 'call.dtmf', data: { digit: event.digit, from: event.from } });
    case 'note':
      return stored({ type: 'call.note', data: { name: event.name, data: event.data } });
    case 'tool-called':
      return stored({ type: 'tool.called', data: toolRun(event.run) });
    case 'tool-finished':
      return stored({
        type: 'tool.finished',
        data: {
          ...toolRun(event.run),
          status: event.status,
          latency_ms: event.latencyMs,
          error: event.error,
        },
      });
    case 'one-way-audio':
      return stored({
        type: 'call.warning',
        data: {
          code: event.isHeardThere ? 'one-way-audio' : 'no-media',
          message: oneWayMessage(event),
        },
      });
    case 'provider-error':
      return stored({
        type: 'call.warning',
        data: { code: 'provider-error', message: `${event.provider}: ${event.message}` },
      });
    case 'provider-failed':
      return stored({
        type: 'call.warning',
        data: {
          code: 'provider-failed',
          message: `${event.part} ${event.provider}: ${event.message}; ${event.next} answers for the rest of the call`,
        },
      });
    case 'recording-failed':
      return stored({
        type: 'call.warning',
        data: { code: 'recording-failed', message: event.message },
      });
    case 'answered-by':
      if (event.report.answeredBy === 'unknown') return null;
      return stored({
        type: 'call.note',
        data: { name: 'answered-by', data: { ...answeringDocument(event.report) } },
      });
    case 'turn':
    case 'end-requested':
    case 'media-timeout':
    case 'first-agent-audio':
      return null;
  }
}

function toolRun({ startedMs, ...run }: ToolRunRecord): ToolRunData {
  return { ...run, started_ms: startedMs };
}

function oneWayMessage(event: Extract<VoiceCallEvent, { type: 'one-way-audio' }>): string {
  const { seconds, kind, remote, localPort, isHeardThere } = event;
  const where = `${remote ?? 'no address'}, our port ${localPort}`;
  if (!isHeardThere) return `no audio in either direction for ${seconds} s (${where})`;
  return kind === 'silence'
    ? `nothing but digital silence from the far end for ${seconds} s (${where})`
    : `no audio from the far end for ${seconds} s (${where})`;
}

function stored(draft: CallEventDraft): { draft: CallEventDraft; stored: boolean } {
  return { draft, stored: true };
}
