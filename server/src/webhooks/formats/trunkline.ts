import type { CallFacts, WebhookFormatter } from './webhook-format.ts';

/** A call as `GET /v1/calls/{id}` answers it. */
export type DescribeCall = (facts: CallFacts) => unknown;

/**
 * The native form, as Standard Webhooks recommends it: `type`, `timestamp`, `data`. The last event
 * of a call carries the whole call.
 */
export function createTrunklineFormat(describeCall: DescribeCall): WebhookFormatter {
  return {
    contentType: 'application/json',
    needsCall: (type) => type === 'call.status',
    build: (event, call) => ({
      name: event.type,
      body: {
        type: event.type,
        timestamp: event.at.toISOString(),
        ...(event.callId !== null && { call_id: event.callId, sequence: event.sequence }),
        data: { ...event.data, ...(call && { call: describeCall(call) }) },
      },
    }),
  };
}
