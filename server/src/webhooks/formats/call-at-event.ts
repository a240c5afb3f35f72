import type { CallRow } from '../../db/queries/calls.ts';
import type { WebhookEvent } from './webhook-format.ts';

/**
 * The call as it was when the event happened: a try that comes late tells the state of its event,
 * not the newest one, and every try tells the same.
 */
export function callAtEvent(call: CallRow, event: WebhookEvent): CallRow {
  const { status, end_reason, ended_by } = event.data as Partial<Record<string, string | null>>;
  if (typeof status !== 'string') return call;
  const { sip } = event.data as { sip?: { code: number | null; reason: string | null } };
  const until = (time: Date | null): Date | null => (time && time <= event.at ? time : null);
  const isFinal = event.type === 'call.status';
  return {
    ...call,
    status: status as CallRow['status'],
    updatedAt: event.at,
    endReason: end_reason ?? null,
    endedBy: (ended_by ?? null) as CallRow['endedBy'],
    sipCode: sip?.code ?? null,
    sipReason: sip?.reason ?? null,
    ...(isFinal
      ? {}
      : {
          ringingAt: until(call.ringingAt),
          answeredAt: until(call.answeredAt),
          disconnectedAt: until(call.disconnectedAt),
          endedAt: null,
        }),
  };
}
