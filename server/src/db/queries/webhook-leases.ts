import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';

/**
 * Takes endpoints that have something due and that no living node delivers to. Each step of the
 * scan jumps to the next endpoint that has anything waiting, however much waits for the one
 * before. Returns those that were taken; the ones that this node has already are not among them.
 */
export async function claim(
  client: Queryable,
  claimed: { nodeId: string; leaseMs: number; now: Date; limit: number },
): Promise<string[]> {
  const rows = await selectRows<{ endpointId: string }>(
    client,
    `with recursive waiting as (
       (select endpoint_id, next_at from webhook_deliveries where state = 'pending'
        order by endpoint_id, next_at, seq limit 1)
       union all
       select next.endpoint_id, next.next_at from waiting cross join lateral (
         select endpoint_id, next_at from webhook_deliveries
         where state = 'pending' and endpoint_id > waiting.endpoint_id
         order by endpoint_id, next_at, seq limit 1) next),
     free as (
       select e.id from waiting join webhook_endpoints e on e.id = waiting.endpoint_id
       where waiting.next_at <= $3 and e.enabled and e.deleted_at is null and not exists (
         select from webhook_leases l where l.endpoint_id = e.id and l.until >= now())
       limit $4 for no key update of e skip locked)
     insert into webhook_leases (endpoint_id, node_id, until)
     select id, $1, now() + $2 * interval '1 millisecond' from free
     on conflict (endpoint_id) do update set node_id = excluded.node_id, until = excluded.until
       where webhook_leases.until < now()
     returning endpoint_id`,
    [claimed.nodeId, claimed.leaseMs, claimed.now, claimed.limit],
  );
  return rows.map(({ endpointId }) => endpointId);
}

/** Holds leases for longer. Returns those that are still this node's. */
export async function renew(
  client: Queryable,
  lease: { nodeId: string; leaseMs: number; endpointIds: readonly string[] },
): Promise<string[]> {
  const rows = await selectRows<{ endpointId: string }>(
    client,
    `update webhook_leases set until = now() + $2 * interval '1 millisecond'
     where node_id = $1 and endpoint_id = any($3) returning endpoint_id`,
    [lease.nodeId, lease.leaseMs, lease.endpointIds],
  );
  return rows.map(({ endpointId }) => endpointId);
}

export async function release(
  client: Queryable,
  nodeId: string,
  endpointIds: readonly string[],
): Promise<void> {
  await client.query('delete from webhook_leases where node_id = $1 and endpoint_id = any($2)', [
    nodeId,
    endpointIds,
  ]);
}
