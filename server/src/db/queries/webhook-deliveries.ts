import type { Queryable } from './queryable.ts';
import {
  countTouched,
  requireOne,
  selectOne,
  selectPage,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';
import { ROW_VERSION } from './webhook-endpoints.ts';
import { storableJson } from './storable-text.ts';

export type WebhookDeliveryState = 'pending' | 'delivered' | 'failed' | 'skipped';

/** One try. */
export interface WebhookAttempt {
  at: string;
  /** Of HTTP; null: there was no answer. */
  status: number | null;
  latency_ms: number;
  /** Why there was no answer. */
  error: string | null;
  /** The beginning of the answer's body. */
  response: string | null;
}

export interface WebhookDeliveryRow {
  /** The `webhook-id` of the message. */
  id: string;
  seq: number;
  workspaceId: string;
  endpointId: string;
  orderKey: string;
  eventType: string;
  /** Place within the call; null where the event is not of a call. */
  eventSequence: number | null;
  eventAt: Date;
  eventData: Record<string, unknown>;
  state: WebhookDeliveryState;
  nextAt: Date | number;
  retryStep: number;
  attemptCount: number;
  attempts: WebhookAttempt[];
  finishedAt: Date | null;
}

/** A delivery that is due, with the first one of its order key that waits. */
export interface DueDelivery extends WebhookDeliveryRow {
  headSeq: number;
  headNextAt: Date | number;
  /** Of its endpoint, as it is now. */
  rowVersion: string;
}

/** What became of one try, and of the delivery by it. */
export interface SettledDelivery {
  id: string;
  seq: number;
  endpointId: string;
  orderKey: string;
  state: WebhookDeliveryState;
  retryStep: number;
  /** When it is tried again; null: never. */
  nextAt: Date | null;
  attempt: WebhookAttempt | null;
  at: Date;
}

/** Names of an event in each format of webhooks. */
export type NamesByFormat = Readonly<Record<string, readonly string[] | undefined>>;

/** Tries that a delivery remembers. */
const KEPT_ATTEMPTS = 20;
/** Of an endpoint's room: deliveries that come again, so that new ones never crowd them out. */
const RETRY_ROOM = 16;

/** Whether the endpoint `e` wants an event whose names by format are in the parameter `$n`. */
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

/** Test messages that wait for an endpoint. */
export async function countTests(client: Queryable, endpointId: string): Promise<number> {
  const row = await requireOne<{ count: number }>(
    client,
    `select count(*)::int as count from webhook_deliveries
     where endpoint_id = $1 and finished_at is null and event_type = 'webhook.test'`,
    [endpointId],
  );
  return row.count;
}

/** Adds an event for one endpoint, whatever it wants; nothing else waits for it. */
export async function enqueueFor(
  client: Queryable,
  event: { workspaceId: string; endpointId: string; type: string; data: unknown },
): Promise<WebhookDeliveryRow> {
  return requireOne(
    client,
    `insert into webhook_deliveries (workspace_id, endpoint_id, order_key, event_type, event_data)
     values ($1, $2, gen_random_uuid()::text, $3, $4) returning *`,
    [event.workspaceId, event.endpointId, event.type, storableJson(event.data)],
  );
}

/**
 * Deliveries of these endpoints that are due, oldest first: new ones, and beside them some that
 * have failed before.
 * @param rooms how many of each endpoint.
 * @param known sequence numbers that the caller has already.
 */
export async function listDue(
  client: Queryable,
  rooms: readonly { endpointId: string; room: number }[],
  known: readonly number[],
  now: Date,
): Promise<DueDelivery[]> {
  return selectRows(
    client,
    `select due.*, head.seq as head_seq, head.next_at as head_next_at,
       ${ROW_VERSION} as row_version
     from unnest($1::text[], $2::int[]) as wanted (endpoint_id, room)
     cross join lateral (
       (select * from webhook_deliveries d
        where d.endpoint_id = wanted.endpoint_id and d.state = 'pending'
          and d.next_at = '-infinity' and d.seq <> all($3::bigint[])
        order by d.next_at, d.seq limit wanted.room)
       union all
       (select * from webhook_deliveries d
        where d.endpoint_id = wanted.endpoint_id and d.state = 'pending'
          and d.next_at > '-infinity' and d.next_at <= $4 and d.seq <> all($3::bigint[])
        order by d.next_at, d.seq limit least(wanted.room, ${RETRY_ROOM}))) due
     cross join lateral (
       select seq, next_at from webhook_deliveries first
       where first.endpoint_id = due.endpoint_id and first.order_key = due.order_key
         and first.finished_at is null
       order by first.seq limit 1) head
     join webhook_endpoints e on e.id = due.endpoint_id
     left join agents on agents.id = e.agent_id
     order by due.seq`,
    [rooms.map(({ endpointId }) => endpointId), rooms.map(({ room }) => room), known, now],
  );
}

/**
 * Stores what became of tries. What is not pending any more stays as it is. Each row is found by
 * its key first, and `state` is not asked: with it the planner reads everything that waits.
 */
export async function settle(
  client: Queryable,
  settled: readonly SettledDelivery[],
): Promise<void> {
  await client.query(
    `with x as materialized (
       select given.*, (select row.ctid from webhook_deliveries row where row.id = given.id) as place
       from unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::jsonb[],
         $6::timestamptz[]) as given (id, state, retry_step, next_at, attempt, at))
     update webhook_deliveries d set
       state = x.state, retry_step = x.retry_step,
       next_at = coalesce(x.next_at, d.next_at),
       attempt_count = d.attempt_count + (x.attempt is not null)::int,
       attempts = case
         when x.attempt is null then d.attempts
         when jsonb_array_length(d.attempts) < ${KEPT_ATTEMPTS} then d.attempts || x.attempt
         else (d.attempts - 0) || x.attempt end,
       finished_at = case when x.state = 'pending' then null else x.at end
     from x where d.ctid = x.place and d.finished_at is null`,
    [
      settled.map((one) => one.id),
      settled.map((one) => one.state),
      settled.map((one) => one.retryStep),
      settled.map((one) => one.nextAt),
      settled.map((one) => one.attempt && storableJson(one.attempt)),
      settled.map((one) => one.at),
    ],
  );
}

/** What waits behind a delivery of the same order key comes no earlier than it does. */
export async function postpone(
  client: Queryable,
  heads: readonly { endpointId: string; orderKey: string; seq: number; nextAt: Date }[],
): Promise<void> {
  await client.query(
    `update webhook_deliveries d set next_at = x.next_at
     from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
       as x (endpoint_id, order_key, seq, next_at)
     where d.endpoint_id = x.endpoint_id and d.order_key = x.order_key and d.finished_at is null
       and d.seq > x.seq and d.next_at < x.next_at`,
    [
      heads.map(({ endpointId }) => endpointId),
      heads.map(({ orderKey }) => orderKey),
      heads.map(({ seq }) => seq),
      heads.map(({ nextAt }) => nextAt),
    ],
  );
}

/**
 * Brings forward what waits for its next try. The try that comes early is none of those of the
 * schedule, as long as that lasts. Returns how many.
 */
export async function hasten(client: Queryable, endpointId: string, now: Date): Promise<number> {
  return countTouched(
    client,
    `update webhook_deliveries set next_at = '-infinity',
       retry_step = case when event_at > $2::timestamptz - interval '3 days'
         then greatest(retry_step - 1, 0) else retry_step end
     where endpoint_id = $1 and state = 'pending' and next_at > $2`,
    [endpointId, now],
  );
}

/** Ends everything that waits for an endpoint as failed. */
export async function failPending(
  client: Queryable,
  endpointId: string,
  at: Date,
): Promise<number> {
  return countTouched(
    client,
    `update webhook_deliveries set state = 'failed', finished_at = $2
     where endpoint_id = $1 and state = 'pending'`,
    [endpointId, at],
  );
}

/** Puts a delivery that has ended, or that waits for its next try, in front again. */
export async function replay(
  client: Queryable,
  workspaceId: string,
  deliveryId: string,
): Promise<WebhookDeliveryRow | null> {
  return selectOne(
    client,
    `update webhook_deliveries
     set state = 'pending', next_at = '-infinity', retry_step = 0, finished_at = null
     where workspace_id = $1 and id = $2 returning *`,
    [workspaceId, deliveryId],
  );
}

/** Puts everything in front again that failed since a time. Returns how many. */
export async function replayFailed(
  client: Queryable,
  workspaceId: string,
  endpointId: string,
  since: Date,
): Promise<number> {
  return countTouched(
    client,
    `update webhook_deliveries
     set state = 'pending', next_at = '-infinity', retry_step = 0, finished_at = null
     where workspace_id = $1 and endpoint_id = $2 and state = 'failed' and event_at >= $3`,
    [workspaceId, endpointId, since],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  deliveryId: string,
): Promise<WebhookDeliveryRow | null> {
  return selectOne(client, 'select * from webhook_deliveries where workspace_id = $1 and id = $2', [
    workspaceId,
    deliveryId,
  ]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: {
    endpointId: string;
    state?: WebhookDeliveryState | undefined;
    callId?: string | undefined;
  },
  request: PageRequest = {},
): Promise<Page<WebhookDeliveryRow>> {
  const values: unknown[] = [workspaceId, filter.endpointId];
  const where = ['workspace_id = $1', 'endpoint_id = $2'];
  if (filter.state !== undefined) where.push(`state = $${values.push(filter.state)}`);
  if (filter.callId !== undefined) where.push(`order_key = $${values.push(filter.callId)}`);
  return selectPage(
    client,
    { from: 'webhook_deliveries', where, values, kind: 'delivery', order: 'desc' },
    request,
  );
}

/** Deliveries that wait; counted up to a limit, so that a look at them is never slow. */
export async function countPending(client: Queryable, limit = 100_000): Promise<number> {
  const row = await requireOne<{ count: number }>(
    client,
    `select count(*)::int as count from (
       select from webhook_deliveries where state = 'pending' limit $1) pending`,
    [limit],
  );
  return row.count;
}

/** Forgets deliveries that ended and are older than a time, at most so many. Returns how many. */
export async function prune(client: Queryable, before: Date, limit: number): Promise<number> {
  // An id begins with the milliseconds of its making in hex, so the key is in the order of time.
  const oldest = `delivery_${before.getTime().toString(16).padStart(12, '0')}`;
  return countTouched(
    client,
    `delete from webhook_deliveries where id in (
       select id from webhook_deliveries where id < $1 and state <> 'pending'
       order by id limit $2)`,
    [oldest, limit],
  );
}
