import { FINAL_STATUSES, type CallStatus } from './call-status.ts';

/**
 * Legal edges of a call's status. An answered call passes through `call-disconnected`, where its
 * costs are made, on the way to its final status; only a lost node skips that.
 */
export const CALL_EDGES: Readonly<Record<CallStatus, readonly CallStatus[]>> = {
  scheduled: ['queued', 'canceled', 'failed', 'error', 'balance-low'],
  queued: ['initiated', 'rescheduled', 'canceled', 'failed', 'error', 'balance-low'],
  rescheduled: ['queued', 'canceled', 'failed', 'error', 'balance-low'],
  initiated: [
    'ringing',
    'in-progress',
    'no-answer',
    'busy',
    'failed',
    'canceled',
    'stopped',
    'error',
    'balance-low',
  ],
  ringing: ['in-progress', 'no-answer', 'busy', 'failed', 'canceled', 'stopped', 'error'],
  'in-progress': ['call-disconnected', 'error'],
  'call-disconnected': ['completed', 'stopped', 'failed', 'error'],
  completed: [],
  'no-answer': [],
  busy: [],
  failed: [],
  canceled: [],
  stopped: [],
  error: [],
  'balance-low': [],
};

/** Whether a call may go from `from` to `to`. */
export function isLegalEdge(from: CallStatus, to: CallStatus): boolean {
  return CALL_EDGES[from].includes(to);
}

/** Every status from which `to` can be reached in one step. */
export function statusesBefore(to: CallStatus): CallStatus[] {
  return (Object.keys(CALL_EDGES) as CallStatus[]).filter((from) => isLegalEdge(from, to));
}

/** Whether a call with this status has no phone on the line any more and never will have. */
export function isOver(status: CallStatus): boolean {
  return FINAL_STATUSES.has(status) || status === 'call-disconnected';
}
