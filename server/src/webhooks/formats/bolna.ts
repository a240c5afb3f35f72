import { bolnaExecution } from './bolna-execution.ts';
import { callAtEvent } from './call-at-event.ts';
import type { WebhookFormatter } from './webhook-format.ts';

/**
 * Bolna's webhook: the execution object at every change of the status, with no envelope and no
 * event name; the receiver looks at `status`.
 */
export const bolnaFormat: WebhookFormatter = {
  contentType: 'application/json',
  needsCall: (type) => type.startsWith('call.'),
  build(event, facts) {
    if (!facts) return null;
    const { call, turns, attempts, recordingUrl } = facts;
    return {
      name: 'status',
      body: bolnaExecution(callAtEvent(call, event), {
        turns,
        sipCallId: attempts.at(-1)?.sipCallId ?? null,
        recordingUrl,
      }),
    };
  },
};
