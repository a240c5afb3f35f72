import type * as calls from '../db/queries/calls.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { CallEvent, CallEventType } from '../events/call-event.ts';
import { insertToldCall, moveToldCall } from '../events/event-log.ts';
import { newId } from '../shared/ids.ts';
import { releaseHold } from '../wallet/release-hold.ts';
import { statusesBefore } from './call-status-fsm.ts';
import { FINAL_STATUSES, type CallStatus } from './call-status.ts';
import { planRetry } from './retry-plan.ts';

export interface RecordedStatus {
  call: calls.CallRow;
  event: CallEvent;
  /** All to be published after the commit: `event`, then that of the retry, where there is one. */
  events: CallEvent[];
}

/**
 * Moves a call along a legal edge and appends the event that says so, in the caller's transaction.
 * An end after which the person is to be called again stores that call, too. Null, and nothing
 * done, when the call is not where the edge begins: so a write that is repeated after its answer
 * was lost does nothing.
 * @param from narrows where the edge may begin. Default: every legal beginning.
 */
export async function recordStatus(
  client: Queryable,
  callId: string,
  to: CallStatus,
  patch: calls.CallPatch = {},
  from: readonly CallStatus[] = statusesBefore(to),
): Promise<RecordedStatus | null> {
  const moved = await moveToldCall(client, callId, { from, to, patch }, statusEventType(to));
  if (!moved) return null;
  const { call, event } = moved;
  // An answered call is charged when its costs are known; any other costs nothing.
  if (FINAL_STATUSES.has(to) && call.answeredAt === null) await releaseHold(client, callId);
  const retry = FINAL_STATUSES.has(to) ? await storeRetry(client, call) : null;
  return { call, event, events: retry ? [event, retry] : [event] };
}

/** The call that tries again, as a row of its own that becomes due. */
async function storeRetry(client: Queryable, call: calls.CallRow): Promise<CallEvent | null> {
  const planned = planRetry(call);
  const { endedAt } = call;
  if (!planned || !endedAt) return null;
  const retry: calls.NewCall = {
    id: newId('call', endedAt.getTime()),
    workspaceId: call.workspaceId,
    direction: 'outbound',
    agentId: call.agentId,
    trunkId: call.trunkId,
    fromNumber: call.fromNumber,
    toNumber: call.toNumber,
    status: 'scheduled',
    scheduledAt: new Date(endedAt.getTime() + planned.delayMs),
    createdAt: endedAt,
    retryOf: call.id,
    attempt: planned.attempt,
    waits: true,
    variables: call.variables,
    metadata: call.metadata,
    door: call.door,
    doorData: call.doorData,
    batchId: call.batchId,
    retry: call.retry,
    maxDurationS: call.maxDurationS,
    ringTimeoutMs: call.ringTimeoutMs,
    timezone: call.timezone,
    purpose: call.purpose,
    callingWindow: call.callingWindow,
    apiKeyId: call.apiKeyId,
  };
  return (await insertToldCall(client, retry, 'call.queued')).event;
}

/** What tells of a status. */
export function statusEventType(status: CallStatus): CallEventType {
  switch (status) {
    case 'scheduled':
    case 'queued':
    case 'rescheduled':
      return 'call.queued';
    case 'initiated':
      return 'call.initiated';
    case 'ringing':
      return 'call.ringing';
    case 'in-progress':
      return 'call.answered';
    case 'call-disconnected':
      return 'call.disconnected';
    default:
      return 'call.status';
  }
}
