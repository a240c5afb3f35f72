import type { Queryable } from './queryable.ts';
import { storableJson } from './storable-text.ts';

/** Names of an event in each format of webhooks. */
export type NamesByFormat = Readonly<Record<string, readonly string[] | undefined>>;

/** Whether an endpoint wants an event whose names by format are in the parameter `$n`. */
export function wantedBy(parameter: string): string {
  return `e.enabled and e.deleted_at is null and ${parameter}::jsonb -> e.format is not null
    and (e.events = '{}'
      or e.events && array(select jsonb_array_elements_text(${parameter}::jsonb -> e.format)))`;
}

/** Adds an event that is not of a call to the outbox of every endpoint that wants it. */
export async function enqueue(
  client: Queryable,
  event: {
    workspaceId: string;
    orderKey: string;
    type: string;
    data: unknown;
    names: NamesByFormat;
  },
): Promise<void> {
  await client.query(
    `insert into webhook_deliveries
       (workspace_id, endpoint_id, order_key, event_type, event_data)
     select e.workspace_id, e.id, $2, $3, $4 from webhook_endpoints e
     where e.workspace_id = $1 and e.agent_id is null and ${wantedBy('$5')}`,
    [
      event.workspaceId,
      event.orderKey,
      event.type,
      storableJson(event.data),
      storableJson(event.names),
    ],
  );
}
