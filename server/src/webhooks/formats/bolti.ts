import { createHmac } from 'node:crypto';
import type { CallRow } from '../../db/queries/calls.ts';
import { boltiConversation } from './bolti-conversation.ts';
import { callAtEvent } from './call-at-event.ts';
import type { WebhookEvent, WebhookFormatter } from './webhook-format.ts';

/** Ends before which nobody spoke. */
const UNSPOKEN: ReadonlySet<string> = new Set([
  'no-answer',
  'busy',
  'failed',
  'error',
  'balance-low',
]);

/**
 * Bolti's webhooks: an envelope with `type` and the conversation. Its signature is an HMAC of
 * `<unix time>.<body>` in `X-Signature: t=...,v1=...`, one `v1` for each live secret.
 */
export const boltiFormat: WebhookFormatter = {
  contentType: 'application/json',
  needsCall: (type) => type.startsWith('call.'),
  build(event, facts) {
    const name = facts ? callEventName(event, facts.call) : event.type;
    if (name === null || (!facts && event.callId !== null)) return null;
    return {
      name,
      body: {
        id: event.id,
        type: name,
        created_at: event.at.toISOString(),
        workspace_id: event.workspaceId,
        data: facts
          ? boltiConversation({ ...facts, call: callAtEvent(facts.call, event) })
          : event.data,
      },
    };
  },
  headers({ secrets, body, atMs }) {
    const seconds = Math.floor(atMs / 1000);
    const signatures = secrets.map(
      (secret) => `v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`,
    );
    return { 'x-signature': [`t=${seconds}`, ...signatures].join(',') };
  },
};

function callEventName(event: WebhookEvent, call: CallRow): string | null {
  const status = String(event.data['status']);
  const isScheduled = call.scheduledAt !== null;
  switch (event.type) {
    case 'call.queued':
      return status === 'scheduled' ? 'scheduled_call.created' : null;
    case 'call.initiated':
      return isScheduled ? 'scheduled_call.dispatched' : null;
    case 'call.status':
      if (isScheduled && status === 'canceled') return 'scheduled_call.cancelled';
      if (isScheduled && UNSPOKEN.has(status)) return 'scheduled_call.failed';
      return 'conversation.completed';
    default:
      return null;
  }
}
