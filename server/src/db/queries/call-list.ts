import { firstIdAt } from '../../shared/ids.ts';
import type { CallDirection, CallRow, CallStatusValue } from './calls.ts';
import type { Queryable } from './queryable.ts';
import {
  columnName,
  requireOne,
  selectPage,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';

/** Ids carry the time of their creation; this much of a difference to the column is borne. */
const ID_SLACK_MS = 60_000;

export interface CallFilter {
  status?: CallStatusValue | readonly CallStatusValue[] | undefined;
  agentId?: string | undefined;
  trunkId?: string | undefined;
  to?: string | undefined;
  from?: string | undefined;
  direction?: CallDirection | undefined;
  answeredBy?: string | undefined;
  /** Also finds calls of which it is not known. */
  notAnsweredBy?: string | undefined;
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

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: CallFilter = {},
  request: PageRequest = {},
): Promise<Page<CallRow>> {
  const { where, values } = conditions(workspaceId, filter);
  return selectPage(client, { from: 'calls', where, values, kind: 'call', order: 'desc' }, request);
}

/** The fields of a call that a list shows: without the transcript and what only the program reads. */
const SUMMARY_FIELDS = [
  'id',
  'workspaceId',
  'direction',
  'status',
  'endReason',
  'endedBy',
  'answeredBy',
  'sipCode',
  'sipReason',
  'fromNumber',
  'toNumber',
  'agentId',
  'trunkId',
  'variables',
  'metadata',
  'attempt',
  'retryOf',
  'retry',
  'guardrail',
  'parkedFor',
  'maxDurationS',
  'ringTimeoutMs',
  'createdAt',
  'scheduledAt',
  'queuedAt',
  'initiatedAt',
  'ringingAt',
  'answeredAt',
  'firstAgentAudioAt',
  'disconnectedAt',
  'endedAt',
  'durationMs',
  'outcome',
  'summary',
  'extractedData',
  'analysis',
  'recordingKey',
  'recordingDurationMs',
  'cost',
] as const satisfies readonly (keyof CallRow)[];
const SUMMARY_COLUMNS = SUMMARY_FIELDS.map(columnName).join(', ');

export type CallSummaryRow = Pick<CallRow, (typeof SUMMARY_FIELDS)[number]>;

/** The same as `list`, with less of each call. */
export async function listSummaries(
  client: Queryable,
  workspaceId: string,
  filter: CallFilter = {},
  request: PageRequest = {},
): Promise<Page<CallSummaryRow>> {
  const { where, values } = conditions(workspaceId, filter);
  const columns = SUMMARY_COLUMNS;
  return selectPage(
    client,
    { from: 'calls', columns, where, values, kind: 'call', order: 'desc' },
    request,
  );
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
  add('answered_by is distinct from $', filter.notAnsweredBy);
  add('created_at >= $', createdAfter);
  add('created_at < $', createdBefore);
  // So that an old range is found by the index that gives the order.
  if (createdAfter) add('id >= $', firstIdAt('call', createdAfter.getTime() - ID_SLACK_MS));
  if (createdBefore) add('id < $', firstIdAt('call', createdBefore.getTime() + ID_SLACK_MS));
  add('door = $', filter.door);
  if (filter.door !== undefined && filter.door !== 'v1') where.push(`door <> 'v1'`);
  add('batch_id = $', filter.batchId);
  add('retry_of = $', filter.retryOf);
  for (const [name, value] of Object.entries(filter.metadata ?? {})) {
    const place = `name = $${values.push(name)} and value = $${values.push(value)}`;
    where.push(`id in (select call_id from call_metadata where workspace_id = $1 and ${place})`);
  }
  if (filter.metadataKey !== undefined) {
    const place = `name = $${values.push(filter.metadataKey)}`;
    where.push(`id in (select call_id from call_metadata where workspace_id = $1 and ${place})`);
  }
  return { where, values };
}
