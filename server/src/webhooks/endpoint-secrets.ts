import type { Queryable } from '../db/queries/queryable.ts';
import * as endpoints from '../db/queries/webhook-endpoints.ts';
import type { Secrets, SecretPlace } from '../workspaces/secrets.ts';
import { newWebhookSecret } from './signature.ts';

/** The place that an endpoint's secrets are sealed for. */
export function secretPlace(endpoint: { workspaceId: string; id: string }): SecretPlace {
  return { workspaceId: endpoint.workspaceId, table: 'webhook_endpoints', id: endpoint.id };
}

/**
 * What signs an endpoint's messages now: its secret, the one before while that still holds, and
 * the agent's own. An endpoint that an agent's document has made gets its first secret here.
 */
export async function liveSecrets(
  client: Queryable,
  secrets: Secrets,
  endpoint: endpoints.DeliverableEndpoint,
  now: Date,
): Promise<string[]> {
  const place = secretPlace(endpoint);
  const { secretSealed, previousSecretSealed, previousSecretUntil, agentSecretSealed } = endpoint;
  const live: string[] = [];
  if (secretSealed !== null) live.push(secrets.open(place, secretSealed));
  if (previousSecretSealed !== null && previousSecretUntil && previousSecretUntil > now) {
    live.push(secrets.open(place, previousSecretSealed));
  }
  if (agentSecretSealed !== null && endpoint.agentId !== null) {
    const { workspaceId, agentId } = endpoint;
    live.push(secrets.open({ workspaceId, table: 'agents', id: agentId }, agentSecretSealed));
  }
  if (live.length > 0) return live;
  const first = newWebhookSecret();
  await endpoints.setFirstSecret(client, endpoint.id, secrets.seal(place, first));
  const [stored] = await endpoints.listDeliverable(client, [endpoint.id]);
  return stored?.secretSealed ? [secrets.open(place, stored.secretSealed)] : [first];
}
