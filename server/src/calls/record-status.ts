import * as calls from '../db/queries/calls.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { CallEvent, CallEventDraft, StatusData } from '../events/call-event.ts';
import { appendCallEvent } from '../events/event-log.ts';
import { releaseHold } from '../wallet/release-hold.ts';
import { statusesBefore } from './call-status-fsm.ts';
import { FINAL_STATUSES, type CallStatus } from './call-status.ts';

export interface RecordedStatus {
  call: calls.CallRow;
  event: CallEvent;
}

/**
 * Moves a call along a legal edge and appends the event that says so, in the caller's transaction.
 * Null, and nothing done, when the call is not where the edge begins: so a write that is repeated
 * after its answer was lost does nothing.
 * @param from narrows where the edge may begin. Default: every legal beginning.
 */
export async function recordStatus(
  client: Queryable,
  callId: string,
  to: CallStatus,
  patch: calls.CallPatch = {},
  from: readonly CallStatus[] = statusesBefore(to),
): Promise<RecordedStatus | null> {
  const call = await calls.transition(client, callId, from, to, patch);
  if (!call) return null;
  // An answered call is charged when its costs are known; any other costs nothing.
  if (FINAL_STATUSES.has(to) && call.answeredAt === null) await releaseHold(client, callId);
  return { call, event: await appendCallEvent(client, callId, statusEvent(call)) };
}

/** The event for the status that a call has. */
export function statusEvent(call: calls.CallRow): CallEventDraft {
  const data: StatusData = {
    status: call.status,
    end_reason: call.endReason,
    ended_by: call.endedBy,
    sip: { code: call.sipCode, reason: call.sipReason },
  };
  switch (call.status) {
    case 'scheduled':
    case 'queued':
    case 'rescheduled':
      return { type: 'call.queued', data };
    case 'initiated':
      return { type: 'call.initiated', data };
    case 'ringing':
      return { type: 'call.ringing', data };
    case 'in-progress':
      return { type: 'call.answered', data };
    case 'call-disconnected':
      return { type: 'call.disconnected', data };
    default:
      return { type: 'call.status', data };
  }
}
