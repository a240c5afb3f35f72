import { hot } from '../hot-statements.ts';
import type { Queryable } from './queryable.ts';
import { assignments, requireOne, selectOne, selectRows } from './row.ts';

export {
  countUpTo,
  estimateCount,
  list,
  listFrom,
  listSummaries,
  type CallFilter,
  type CallSummaryRow,
} from './call-list.ts';

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
  /** How that is known and what was done about it; as the API shows it. */
  answering: unknown;
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
  /** From the answer to the end, by a clock that never jumps; to the last sign of life of a node that died. */
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

const FIELDS: readonly (keyof Changeable)[] = [
  'agentId',
  'trunkId',
  'fromNumber',
  'toNumber',
  'endReason',
  'endedBy',
  'answeredBy',
  'answering',
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
  'answering',
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
const LIVE = `('initiated', 'ringing', 'in-progress')`;
const CLAIMED = `('initiated', 'ringing', 'in-progress', 'call-disconnected')`;

/**
 * `createdAt` is the time that the id was made with: lists rely on it. Throws PostgreSQL's 23505
 * when the idempotency key was used before in this workspace.
 */
export async function insert(client: Queryable, call: NewCall): Promise<CallRow> {
  const values: unknown[] = [];
  const { columns, places } = insertParts(call, values);
  return requireOne(
    client,
    `insert into calls (${columns.join(', ')}) values (${places.join(', ')}) returning *`,
    values,
  );
}

/** Columns of a new call and the places of their values, which are added to `values`. */
export function insertParts(
  call: NewCall,
  values: unknown[],
): { columns: string[]; places: string[] } {
  const { id, workspaceId, direction, status, idempotencyKey, createdAt, ...fields } = call;
  const first = values.length + 1;
  values.push(id, workspaceId, direction, status, idempotencyKey ?? null);
  const columns = ['id', 'workspace_id', 'direction', 'status', 'idempotency_key'];
  if (createdAt) {
    columns.push('created_at');
    values.push(createdAt);
  }
  for (const set of changeSets(fields, values)) columns.push(set.slice(0, set.indexOf(' ')));
  return { columns, places: columns.map((_column, index) => `$${first + index}`) };
}

/** The `set` list of a change; its values are added to `values`. */
export function changeSets(patch: CallPatch, values: unknown[]): string[] {
  return assignments({ ...patch }, FIELDS, values, JSON_FIELDS);
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

/** The call, locked until the end of the transaction. Without a workspace: for the program itself. */
export async function lock(client: Queryable, callId: string): Promise<CallRow | null> {
  return selectOne(client, hot('select * from calls where id = $1 for update'), [callId]);
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
  const sets = changeSets(patch, values);
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
  const sets = changeSets(patch, values);
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

/** A call whose node is gone. */
export interface UnfinishedCall extends CallRow {
  /** When its node was alive for the last time, as far as that is known. */
  lastSignAt: Date;
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
): Promise<UnfinishedCall[]> {
  return selectRows(
    client,
    `select calls.*, coalesce((select least(seen_at, now()) from nodes
       where nodes.id = calls.node_id), calls.updated_at) as last_sign_at
     from calls
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
export async function listDisconnected(
  client: Queryable,
  limit = 1_000,
  afterId = '',
): Promise<CallRow[]> {
  return selectRows(
    client,
    `select * from calls where status = 'call-disconnected' and id > $2 order by id limit $1`,
    [limit, afterId],
  );
}

/** Calls of an agent that were not dialled yet, oldest first. */
export async function listWaitingOfAgent(
  client: Queryable,
  workspaceId: string,
  agentId: string,
  limit = 500,
): Promise<CallRow[]> {
  return selectRows(
    client,
    `select * from calls where workspace_id = $1 and agent_id = $2
       and status in ('scheduled', 'queued', 'rescheduled') order by id limit $3`,
    [workspaceId, agentId, limit],
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
