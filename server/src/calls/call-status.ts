/** Where a call is. The same words everywhere. */
export const CALL_STATUSES = [
  'scheduled',
  'queued',
  'rescheduled',
  'initiated',
  'ringing',
  'in-progress',
  'call-disconnected',
  'completed',
  'no-answer',
  'busy',
  'failed',
  'canceled',
  'stopped',
  'error',
  'balance-low',
] as const;

export type CallStatus = (typeof CALL_STATUSES)[number];

/** Statuses that never change. */
export const FINAL_STATUSES: ReadonlySet<CallStatus> = new Set([
  'completed',
  'no-answer',
  'busy',
  'failed',
  'canceled',
  'stopped',
  'error',
  'balance-low',
]);

export type EndedBy = 'caller' | 'callee' | 'agent' | 'api' | 'system' | 'carrier';
