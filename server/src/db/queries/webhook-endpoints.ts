import type { Queryable } from './queryable.ts';
import {
  assignments,
  countTouched,
  requireOne,
  selectOne,
  selectPage,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';

export interface WebhookEndpointRow {
  id: string;
  workspaceId: string;
  /** Set where the endpoint is the webhook of one agent. */
  agentId: string | null;
  url: string;
  description: string | null;
  format: string;
  /** In the words of the format; empty: all of them. */
  events: string[];
  enabled: boolean;
  secretSealed: string | null;
  previousSecretSealed: string | null;
  previousSecretUntil: Date | null;
  /** Of the first failure after the last success. */
  failingSince: Date | null;
  disabledAt: Date | null;
  disabledReason: string | null;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

/** An endpoint with what signs its messages. */
export interface DeliverableEndpoint extends WebhookEndpointRow {
  /** The agent's own secret, sealed for the agent. */
  agentSecretSealed: string | null;
  /** Another after every change of the endpoint or its agent. */
  rowVersion: string;
}

/** SQL of `rowVersion`, of an endpoint `e` and its agent `agents`. */
export const ROW_VERSION = `concat_ws('/', e.xmin::text, agents.xmin::text)`;

export type NewWebhookEndpoint = Pick<
  WebhookEndpointRow,
  'id' | 'workspaceId' | 'url' | 'description' | 'format' | 'events' | 'enabled' | 'secretSealed'
>;

type Changeable = Pick<
  WebhookEndpointRow,
  | 'url'
  | 'description'
  | 'events'
  | 'enabled'
  | 'secretSealed'
  | 'previousSecretSealed'
  | 'previousSecretUntil'
  | 'failingSince'
  | 'disabledAt'
  | 'disabledReason'
>;
export type WebhookEndpointPatch = { [Field in keyof Changeable]?: Changeable[Field] | undefined };

const FIELDS: readonly (keyof Changeable)[] = [
  'url',
  'description',
  'events',
  'enabled',
  'secretSealed',
  'previousSecretSealed',
  'previousSecretUntil',
  'failingSince',
  'disabledAt',
  'disabledReason',
];

export async function insert(
  client: Queryable,
  endpoint: NewWebhookEndpoint,
): Promise<WebhookEndpointRow> {
  return requireOne(
    client,
    `insert into webhook_endpoints
       (id, workspace_id, url, description, format, events, enabled, secret_sealed)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning *`,
    [
      endpoint.id,
      endpoint.workspaceId,
      endpoint.url,
      endpoint.description,
      endpoint.format,
      endpoint.events,
      endpoint.enabled,
      endpoint.secretSealed,
    ],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  endpointId: string,
): Promise<WebhookEndpointRow | null> {
  return selectOne(
    client,
    `select * from webhook_endpoints
     where workspace_id = $1 and id = $2 and deleted_at is null`,
    [workspaceId, endpointId],
  );
}

/** Others who are about to add an endpoint wait until the end of the transaction. */
export async function lockCount(client: Queryable, workspaceId: string): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtextextended('webhooks ' || $1, 0))`, [
    workspaceId,
  ]);
}

export async function count(client: Queryable, workspaceId: string): Promise<number> {
  const { count: found } = await requireOne<{ count: number }>(
    client,
    `select count(*)::int as count from webhook_endpoints
     where workspace_id = $1 and agent_id is null and deleted_at is null`,
    [workspaceId],
  );
  return found;
}

/** Newest first; those of agents among them. */
export async function list(
  client: Queryable,
  workspaceId: string,
  request: PageRequest = {},
): Promise<Page<WebhookEndpointRow>> {
  const where = ['workspace_id = $1', 'deleted_at is null'];
  const statement = { from: 'webhook_endpoints', where, values: [workspaceId] };
  return selectPage(client, { ...statement, kind: 'webhook', order: 'desc' }, request);
}

/** Null when there is no such endpoint. */
export async function update(
  client: Queryable,
  workspaceId: string,
  endpointId: string,
  patch: WebhookEndpointPatch,
): Promise<WebhookEndpointRow | null> {
  const values: unknown[] = [workspaceId, endpointId];
  const sets = assignments({ ...patch }, FIELDS, values);
  return selectOne(
    client,
    `update webhook_endpoints set ${[...sets, 'updated_at = now()'].join(', ')}
     where workspace_id = $1 and id = $2 and deleted_at is null returning *`,
    values,
  );
}

/** Hides an endpoint of the workspace itself; what was delivered to it stays. */
export async function softDelete(
  client: Queryable,
  workspaceId: string,
  endpointId: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `update webhook_endpoints set deleted_at = now(), updated_at = now(), enabled = false
     where workspace_id = $1 and id = $2 and agent_id is null and deleted_at is null`,
    [workspaceId, endpointId],
  );
  return touched > 0;
}

/** Stores the first secret of an endpoint; one that is there already stays. */
export async function setFirstSecret(
  client: Queryable,
  endpointId: string,
  secretSealed: string,
): Promise<void> {
  await client.query(
    `update webhook_endpoints set secret_sealed = $2 where id = $1 and secret_sealed is null`,
    [endpointId, secretSealed],
  );
}

/** Endpoints as their deliverer needs them, for the program itself. */
export async function listDeliverable(
  client: Queryable,
  endpointIds: readonly string[],
): Promise<DeliverableEndpoint[]> {
  return selectRows(
    client,
    `select e.*, agents.secrets ->> 'WEBHOOK_SECRET' as agent_secret_sealed,
       ${ROW_VERSION} as row_version
     from webhook_endpoints e left join agents on agents.id = e.agent_id
     where e.id = any($1)`,
    [endpointIds],
  );
}

/** Since when an endpoint fails; null: it does not. */
export async function setFailingSince(
  client: Queryable,
  endpointId: string,
  failingSince: Date | null,
): Promise<void> {
  await client.query('update webhook_endpoints set failing_since = $2 where id = $1', [
    endpointId,
    failingSince,
  ]);
}

/** Disables an endpoint that is enabled. False when somebody was faster. */
export async function disable(
  client: Queryable,
  endpointId: string,
  reason: string,
  at: Date,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `update webhook_endpoints set enabled = false, disabled_at = $3, disabled_reason = $2,
       updated_at = now() where id = $1 and enabled`,
    [endpointId, reason, at],
  );
  return touched > 0;
}
