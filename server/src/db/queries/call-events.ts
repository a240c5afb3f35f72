import { hot } from '../hot-statements.ts';
import {
  changeSets,
  insertParts,
  type CallPatch,
  type CallRow,
  type CallStatusValue,
  type NewCall,
} from './calls.ts';
import type { Queryable } from './queryable.ts';
import { requireOne, selectOne, selectRows } from './row.ts';
import { storableJson } from './storable-text.ts';
import { wantedBy, type NamesByFormat } from './webhook-deliveries.ts';

export interface CallEventRow {
  /** Grows over all calls, with gaps. */
  id: number;
  workspaceId: string;
  callId: string;
  /** 1, 2, 3, ... within the call, without gaps. */
  sequence: number;
  type: string;
  data: unknown;
  createdAt: Date;
}

/** What a call's status event says, from a row `next` of it. */
const STATUS_DATA = `jsonb_build_object('status', next.status, 'end_reason', next.end_reason,
  'ended_by', next.ended_by,
  'sip', jsonb_build_object('code', next.sip_code, 'reason', next.sip_reason))`;

/**
 * Appends the event that a row `next` has just got its sequence for, and puts it on the outbox of
 * every endpoint that wants it.
 */
function told(type: string, data: string, names: string): string {
  return `event as (
       insert into call_events (workspace_id, call_id, sequence, type, data)
       select next.workspace_id, next.id, next.last_event_sequence, ${type}, ${data} from next
       returning *),
     queued as (
       insert into webhook_deliveries (workspace_id, endpoint_id, order_key, event_type,
         event_sequence, event_at, event_data)
       select event.workspace_id, e.id, event.call_id, event.type, event.sequence,
         event.created_at, event.data
       from event join next on true join webhook_endpoints e on e.workspace_id = event.workspace_id
       where (e.agent_id is null or e.agent_id = next.agent_id) and ${wantedBy(names)})`;
}

/**
 * Appends a fact to a call and to the outbox of every endpoint that wants it, in the caller's
 * transaction. The call's own counter gives the sequence: its row lock orders writers, and a
 * rollback takes the number back. Throws when there is no such call.
 * @param event `names`: what it is called in each format of webhooks. Default: it is in none.
 */
export async function append(
  client: Queryable,
  event: { callId: string; type: string; data: unknown; names?: NamesByFormat },
): Promise<CallEventRow> {
  return requireOne(
    client,
    hot(`with next as (
       update calls set last_event_sequence = last_event_sequence + 1
       where id = $1 returning id, workspace_id, agent_id, last_event_sequence),
     ${told('$2', '$3', '$4')}
     select * from event`),
    [event.callId, event.type, storableJson(event.data), storableJson(event.names ?? {})],
  );
}

/** A call with the event of the status that it has just got. */
export interface ToldCall {
  call: CallRow;
  event: CallEventRow;
}

/** The type of a status event and what it is called in each format of webhooks. */
export interface StatusEventName {
  type: string;
  names: NamesByFormat;
}

/** `calls.insert` with the first event, in one statement: the row is written once. */
export async function insertCall(
  client: Queryable,
  call: NewCall,
  { type, names }: StatusEventName,
): Promise<ToldCall> {
  const values: unknown[] = [type, storableJson(names)];
  const { columns, places } = insertParts(call, values);
  const row = await requireOne<Told>(
    client,
    hot(`with next as (
       insert into calls (${columns.join(', ')}, last_event_sequence)
       values (${places.join(', ')}, 1) returning *),
     ${told('$1', STATUS_DATA, '$2')}
     ${TOLD_ROW}`),
    values,
  );
  return toldCall(row);
}

/** `calls.transition` with the event that tells of it, in one statement: the row is written once. */
export async function transitionCall(
  client: Queryable,
  callId: string,
  fromStatuses: readonly CallStatusValue[],
  toStatus: CallStatusValue,
  patch: CallPatch,
  { type, names }: StatusEventName,
): Promise<ToldCall | null> {
  const values: unknown[] = [callId, fromStatuses, toStatus, type, storableJson(names)];
  const sets = changeSets(patch, values);
  const row = await selectOne<Told>(
    client,
    hot(`with next as (
       update calls set ${['status = $3', 'updated_at = now()', ...sets].join(', ')},
         last_event_sequence = last_event_sequence + 1
       where id = $1 and status = any($2) returning *),
     ${told('$4', STATUS_DATA, '$5')}
     ${TOLD_ROW}`),
    values,
  );
  return row && toldCall(row);
}

type Told = CallRow & { eventId: number; eventType: string; eventData: unknown; eventAt: Date };

const TOLD_ROW = `select next.*, event.id as event_id, event.type as event_type,
  event.data as event_data, event.created_at as event_at from next, event`;

function toldCall({ eventId, eventType, eventData, eventAt, ...call }: Told): ToldCall {
  return {
    call,
    event: {
      id: eventId,
      workspaceId: call.workspaceId,
      callId: call.id,
      sequence: call.lastEventSequence,
      type: eventType,
      data: eventData,
      createdAt: eventAt,
    },
  };
}

/** Events of a call after a sequence (0: all), in order. */
export async function listAfter(
  client: Queryable,
  callId: string,
  afterSequence = 0,
  limit = 1_000,
): Promise<CallEventRow[]> {
  return selectRows(
    client,
    `select * from call_events where call_id = $1 and sequence > $2 order by sequence limit $3`,
    [callId, afterSequence, limit],
  );
}

export async function lastId(client: Queryable): Promise<number> {
  const row = await requireOne<{ id: number }>(
    client,
    'select coalesce(max(id), 0)::float8 as id from call_events',
    [],
  );
  return row.id;
}

/** @returns `settled`: stored so long ago that no lower number can follow. */
export async function listSince(
  client: Queryable,
  {
    workspaceIds,
    afterId,
    settledMs,
  }: {
    workspaceIds: readonly string[];
    afterId: number;
    settledMs: number;
  },
  limit: number,
): Promise<(CallEventRow & { settled: boolean })[]> {
  return selectRows(
    client,
    `select e.*, e.created_at < now() - $3 * interval '1 millisecond' as settled
     from call_events e
     where e.workspace_id = any($1) and e.id > $2 order by e.id limit $4`,
    [workspaceIds, afterId, settledMs, limit],
  );
}

/** Data of all events of a type of some calls, in order, by call. */
export async function listDataOfType(
  client: Queryable,
  callIds: readonly string[],
  type: string,
): Promise<Map<string, Record<string, unknown>[]>> {
  const rows = await selectRows<Pick<CallEventRow, 'callId'> & { data: Record<string, unknown> }>(
    client,
    `select call_id, data from call_events where call_id = any($1) and type = $2
     order by call_id, sequence`,
    [callIds, type],
  );
  const byCall = new Map<string, Record<string, unknown>[]>();
  for (const { callId, data } of rows) {
    const list = byCall.get(callId);
    if (list) list.push(data);
    else byCall.set(callId, [data]);
  }
  return byCall;
}
