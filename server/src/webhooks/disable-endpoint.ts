import type { Queryable } from '../db/queries/queryable.ts';
import * as deliveries from '../db/queries/webhook-deliveries.ts';
import * as endpoints from '../db/queries/webhook-endpoints.ts';
import { appendEvent } from '../events/outbox.ts';

/**
 * An endpoint gets nothing any more; what waits for it counts as failed and can be replayed, and
 * the workspace's other endpoints hear of it. In the caller's transaction.
 */
export async function disableEndpoint(
  client: Queryable,
  endpoint: { id: string; workspaceId: string; url: string },
  why: { reason: 'gone' | 'failing'; at: Date; failingSince: Date },
): Promise<void> {
  if (!(await endpoints.disable(client, endpoint.id, why.reason, why.at))) return;
  await deliveries.failPending(client, endpoint.id, why.at);
  await appendEvent(client, {
    workspaceId: endpoint.workspaceId,
    orderKey: endpoint.id,
    type: 'webhook.disabled',
    data: {
      webhook_id: endpoint.id,
      url: endpoint.url,
      reason: why.reason,
      failing_since: why.failingSince.toISOString(),
    },
  });
}
