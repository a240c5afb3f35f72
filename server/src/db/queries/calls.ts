import { firstIdAt } from '../../shared/ids.ts';
import type { Queryable } from './queryable.ts';
import {
  assignments,
  requireOne,
  selectOne,
  selectPage,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';
import { storableJson } from './storable-text.ts';

/** Values of the column; the same union as the product's `CallStatus`. */
export type CallStatusValue =
  | 'scheduled'
  | 'queued'
  | 'rescheduled'
  | 'initiated'
  | 'ringing'
  | 'in-progress'
  | 'call-disconnected'
  | 'completed'
  | 'no-answer'
  | 'busy'
  | 'failed'
  | 'canceled'
  | 'stopped'
  | 'error'
  | 'balance-low';

export type CallDirection = 'outbound' | 'inbound';
export type EndedByValue = 'caller' | 'callee' | 'agent' | 'api' | 'system' | 'carrier';

export interface CallRow {
  id: string;
  workspaceId: string;
  agentId: string | null;
  trunkId: string | null;
  direction: CallDirection;
  fromNumber: string;
  toNumber: string;
  status: CallStatusValue;
  endReason: string | null;
  endedBy: EndedByValue | null;
  answeredBy: string | null;
  sipCode: number | null;
  sipReason: string | null;
  variables: Record<string, unknown>;
  idempotencyKey: string | null;
  nodeId: string | null;
  scheduledAt: Date | null;
  queuedAt: Date | null;
  initiatedAt: Date | null;
  ringingAt: Date | null;
  answeredAt: Date | null;
  firstAgentAudioAt: Date | null;
  disconnectedAt: Date | null;
  endedAt: Date | null;
  recordingKey: string | null;
  recordingDurationMs: number | null;
  recordingStore: 'disk' | 's3';
  recordingDeletedAt: Date | null;
  /** Put together when the call is over. */
  transcript: string | null;
  transcriptDeletedAt: Date | null;
  summary: string | null;
  extractedData: Record<string, unknown> | null;
  /** Who made summary and data, and what could not be found. */
  analysis: unknown;
  /** From the answer to the end, by a clock that never jumps; null where its node died. */
  durationMs: number | null;
  outcome: Record<string, unknown>;
  media: unknown;
  usage: unknown;
  cost: unknown;
  lastEventSequence: number;
  /** Where it was asked for: `v1`, `bolna`, ..., `campaign`. */
  door: string;
  /** What the door keeps for itself. */
  doorData: Record<string, unknown>;
  metadata: Record<string, string>;
  batchId: string | null;
  /** Of the request body under the idempotency key. */
  idempotencyHash: string | null;
  /** Whether and when the person is called again; null: never. */
  retry: unknown;
  /** The call that this one tries again. */
  retryOf: string | null;
  /** 1, 2, ... over a call and its retries. */
  attempt: number;
  maxDurationS: number | null;
  ringTimeoutMs: number | null;
  /** IANA zone of the callee, where it is known better than by number. */
  timezone: string | null;
  purpose: string | null;
  /** Narrows the hours in which the callee may be called. */
  callingWindow: unknown;
  /** The API key that asked for it. */
  apiKeyId: string | null;
  /** Whether it may wait in line for a free place. */
  waits: boolean;
  /** What a queued call waits for, such as `trunk:trunk_...`; null: nothing. */
  parkedFor: string | null;
  /** The rule that refused it. */
  guardrail: string | null;
  createdAt: Date;
  updatedAt: Date;
}

type Changeable = Omit<
  CallRow,
  | 'id'
  | 'workspaceId'
  | 'direction'
  | 'status'
  | 'idempotencyKey'
  | 'lastEventSequence'
  | 'createdAt'
  | 'updatedAt'
>;

/** Fields to change; one that is undefined stays as it is. */
export type CallPatch = { [Field in keyof Changeable]?: Changeable[Field] | undefined };

export type NewCall = Pick<
  CallRow,
  'id' | 'workspaceId' | 'direction' | 'fromNumber' | 'toNumber' | 'status'
> &
  CallPatch & { idempotencyKey?: string | null | undefined; createdAt?: Date | undefined };

export interface CallFilter {
  status?: CallStatusValue | readonly CallStatusValue[] | undefined;
  agentId?: string | undefined;
  trunkId?: string | undefined;
  to?: string | undefined;
  from?: string | undefined;
  direction?: CallDirection | undefined;
  answeredBy?: string | undefined;
  createdAfter?: Date | undefined;
  createdBefore?: Date | undefined;
  door?: string | undefined;
  batchId?: string | undefined;
  retryOf?: string | undefined;
  /** Every one of these has this value. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** There is a value of this name. */
  metadataKey?: string | undefined;
}

const FIELDS: readonly (keyof Changeable)[] = [
  'agentId',
  'trunkId',
  'fromNumber',
  'toNumber',
  'endReason',
  'endedBy',
  'answeredBy',
  'sipCode',
  'sipReason',
  'variables',
  'nodeId',
  'scheduledAt',
  'queuedAt',
  'initiatedAt',
  'ringingAt',
  'answeredAt',
  'firstAgentAudioAt',
  'disconnectedAt',
  'endedAt',
  'recordingKey',
  'recordingDurationMs',
  'recordingStore',
  'transcript',
  'summary',
  'extractedData',
  'analysis',
  'durationMs',
  'outcome',
  'media',
  'usage',
  'cost',
  'door',
  'doorData',
  'metadata',
  'batchId',
  'idempotencyHash',
  'retry',
  'retryOf',
  'attempt',
  'maxDurationS',
  'ringTimeoutMs',
  'timezone',
  'purpose',
  'callingWindow',
  'apiKeyId',
  'waits',
  'parkedFor',
  'guardrail',
];
const JSON_FIELDS = [
  'variables',
  'outcome',
  'media',
  'usage',
  'cost',
  'doorData',
  'metadata',
  'retry',
  'callingWindow',
  'extractedData',
  'analysis',
];
/** Ids carry the time of their creation; this much of a difference to the column is borne. */
const ID_SLACK_MS = 60_000;
const LIVE = `('initiated', 'ringing', 'in-progress')`;
const CLAIMED = `('initiated', 'ringing', 'in-progress', 'call-disconnected')`;

/**
 * `createdAt` is the time that the id was made with: lists rely on it. Throws PostgreSQL's 23505
 * when the idempotency key was used before in this workspace.
 */
export async function insert(client: Queryable, call: NewCall): Promise<CallRow> {
  const { id, workspaceId, direction, status, idempotencyKey, createdAt, ...fields } = call;
  const values: unknown[] = [id, workspaceId, direction, status, idempotencyKey ?? null];
  const columns = ['id', 'workspace_id', 'direction', 'status', 'idempotency_key'];
  if (createdAt) {
    columns.push('created_at');
    values.push(createdAt);
  }
  for (const set of assignments({ ...fields }, FIELDS, values, JSON_FIELDS)) {
    columns.push(set.slice(0, set.indexOf(' ')));
  }
  return requireOne(
    client,
    `insert into calls (${columns.join(', ')})
     values (${values.map((_value, index) => `$${index + 1}`).join(', ')}) returning *`,
    values,
  );
}

/** Without a workspace: for the program itself, never for a request. */
export async function get(
  client: Queryable,
  callId: string,
  workspaceId?: string,
): Promise<CallRow | null> {
  return selectOne(
    client,
    'select * from calls where id = $1 and ($2::text is null or workspace_id = $2)',
    [callId, workspaceId ?? null],
  );
}

export async function findByIdempotencyKey(
  client: Queryable,
  workspaceId: string,
  idempotencyKey: string,
): Promise<CallRow | null> {
  return selectOne(client, 'select * from calls where workspace_id = $1 and idempotency_key = $2', [
    workspaceId,
    idempotencyKey,
  ]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: CallFilter = {},
  request: PageRequest = {},
): Promise<Page<CallRow>> {
  const { where, values } = conditions(workspaceId, filter);
  return selectPage(client, { from: 'calls', where, values, order: 'desc' }, request);
}

/** Newest first from a place on, for clients that count pages; the further on, the slower. */
export async function listFrom(
  client: Queryable,
  workspaceId: string,
  filter: CallFilter,
  range: { skip: number; limit: number },
): Promise<CallRow[]> {
  const { where, values } = conditions(workspaceId, filter);
  const limit = `$${values.push(range.limit)}`;
  return selectRows(
    client,
    `select * from calls where ${where.join(' and ')}
     order by id desc limit ${limit} offset $${values.push(range.skip)}`,
    values,
  );
}

/** Calls that a filter finds; counting stops at `atMost`. */
export async function countUpTo(
  client: Queryable,
  workspaceId: string,
  filter: CallFilter,
  atMost: number,
): Promise<number> {
  const { where, values } = conditions(workspaceId, filter);
  const row = await requireOne<{ count: number }>(
    client,
    `select count(*)::int as count from (
       select from calls where ${where.join(' and ')} limit $${values.push(atMost)}) found`,
    values,
  );
  return row.count;
}

/** What the planner thinks that a filter finds: right to some per cent, at any size. */
export async function estimateCount(
  client: Queryable,
  workspaceId: string,
  filter: CallFilter,
): Promise<number> {
  const { where, values } = conditions(workspaceId, filter);
  const { rows } = await client.query(
    `explain (format json) select from calls where ${where.join(' and ')}`,
    values,
  );
  const plan = (rows[0]?.['QUERY PLAN'] as { Plan: { 'Plan Rows': number } }[] | undefined)?.[0];
  return plan?.Plan['Plan Rows'] ?? 0;
}

function conditions(
  workspaceId: string,
  filter: CallFilter,
): { where: string[]; values: unknown[] } {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  const add = (condition: string, value: unknown): void => {
    if (value !== undefined) where.push(condition.replace('$', `$${values.push(value)}`));
  };
  const { status, createdAfter, createdBefore } = filter;
  // One status is read from its index in order; several are not.
  const one = typeof status === 'string' ? status : status?.length === 1 ? status[0] : undefined;
  if (one === undefined) add('status = any($)', status);
  else add('status = $', one);
  add('agent_id = $', filter.agentId);
  add('trunk_id = $', filter.trunkId);
  add('to_number = $', filter.to);
  add('from_number = $', filter.from);
  add('direction = $', filter.direction);
  add('answered_by = $', filter.answeredBy);
  add('created_at >= $', createdAfter);
  add('created_at < $', createdBefore);
  // So that an old range is found by the index that gives the order.
  if (createdAfter) add('id >= $', firstIdAt('call', createdAfter.getTime() - ID_SLACK_MS));
  if (createdBefore) add('id < $', firstIdAt('call', createdBefore.getTime() + ID_SLACK_MS));
  add('door = $', filter.door);
  if (filter.door !== undefined && filter.door !== 'v1') where.push(`door <> 'v1'`);
  add('batch_id = $', filter.batchId);
  add('retry_of = $', filter.retryOf);
  if (filter.metadata !== undefined || filter.metadataKey !== undefined) {
    where.push(`metadata <> '{}'`);
    add('metadata @> $', filter.metadata && storableJson(filter.metadata));
    add('metadata ? $', filter.metadataKey);
  }
  return { where, values };
}

/**
 * Moves a call to `toStatus` when it is in one of `fromStatuses`; null when it is not, and nothing
 * has changed then. Two that race for one edge: one gets the row, the other null.
 */
export async function transition(
  client: Queryable,
  callId: string,
  fromStatuses: readonly CallStatusValue[],
  toStatus: CallStatusValue,
  patch: CallPatch = {},
): Promise<CallRow | null> {
  const values: unknown[] = [callId, fromStatuses, toStatus];
  const sets = assignments({ ...patch }, FIELDS, values, JSON_FIELDS);
  return selectOne(
    client,
    `update calls set ${['status = $3', 'updated_at = now()', ...sets].join(', ')}
     where id = $1 and status = any($2) returning *`,
    values,
  );
}

/** Changes fields and leaves the status alone. Null when there is no such call. */
export async function update(
  client: Queryable,
  callId: string,
  patch: CallPatch,
): Promise<CallRow | null> {
  const values: unknown[] = [callId];
  const sets = assignments({ ...patch }, FIELDS, values, JSON_FIELDS);
  if (sets.length === 0) return get(client, callId);
  return selectOne(
    client,
    `update calls set ${['updated_at = now()', ...sets].join(', ')} where id = $1 returning *`,
    values,
  );
}

/** Calls that are being dialled or spoken. */
export async function countLive(
  client: Queryable,
  scope: {
    workspaceId?: string | undefined;
    trunkId?: string | undefined;
    nodeId?: string | undefined;
  } = {},
): Promise<number> {
  const row = await requireOne<{ count: number }>(
    client,
    `select count(*)::int as count from calls where status in ${LIVE}
       and ($1::text is null or workspace_id = $1)
       and ($2::text is null or trunk_id = $2)
       and ($3::text is null or node_id = $3)`,
    [scope.workspaceId ?? null, scope.trunkId ?? null, scope.nodeId ?? null],
  );
  return row.count;
}

/**
 * Calls that a node had begun when it died: its last heartbeat is older than `deadAfterMs` by the
 * database's clock, or its row is gone. `ownNodeId` asks, so it lives. Rows that another node is settling now are left out, so run
 * it in the transaction that settles them.
 */
export async function listUnfinishedOfDeadNodes(
  client: Queryable,
  deadAfterMs: number,
  ownNodeId: string,
  limit = 100,
): Promise<CallRow[]> {
  return selectRows(
    client,
    `select calls.* from calls
     where status in ${CLAIMED} and node_id is distinct from $3 and not exists (
       select from nodes where nodes.id = calls.node_id
         and nodes.seen_at >= now() - $1 * interval '1 millisecond')
     order by id limit $2 for update of calls skip locked`,
    [deadAfterMs, limit, ownNodeId],
  );
}

/** Which of these calls have no line any more. */
export async function listOver(client: Queryable, callIds: readonly string[]): Promise<string[]> {
  const rows = await selectRows<{ id: string }>(
    client,
    `select id from calls where id = any($1)
       and status not in ('scheduled', 'queued', 'rescheduled') and status not in ${LIVE}`,
    [callIds],
  );
  return rows.map(({ id }) => id);
}

/** Calls whose line is free and whose final status is not stored yet, oldest first. */
export async function listDisconnected(client: Queryable, limit = 1_000): Promise<CallRow[]> {
  return selectRows(
    client,
    `select * from calls where status = 'call-disconnected' order by id limit $1`,
    [limit],
  );
}

/** Calls put off whose time has come; locked for the transaction that queues them. */
export async function listDue(client: Queryable, now: Date, limit = 100): Promise<CallRow[]> {
  return selectRows(
    client,
    `select * from calls where status in ('scheduled', 'rescheduled') and scheduled_at <= $1
     order by scheduled_at limit $2 for update skip locked`,
    [now, limit],
  );
}

/** Without a workspace: for the program itself. Those that there are, in no order. */
export async function listByIds(client: Queryable, callIds: readonly string[]): Promise<CallRow[]> {
  return selectRows(client, 'select * from calls where id = any($1)', [callIds]);
}

/** The newest call over a trunk that is over; null where there is none. */
export async function newestOver(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
): Promise<CallRow | null> {
  return selectOne(
    client,
    `select * from calls where workspace_id = $1 and trunk_id = $2 and end_reason is not null
     order by id desc limit 1`,
    [workspaceId, trunkId],
  );
}
