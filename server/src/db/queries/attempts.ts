import { hot } from '../hot-statements.ts';
import type { Queryable } from './queryable.ts';
import { assignments, requireOne, selectOne, selectRows } from './row.ts';
import { storableJson, storableText } from './storable-text.ts';

export type AttemptState = 'dialing' | 'answered' | 'failed' | 'interrupted' | 'done';

/** One INVITE that may have left. */
export interface AttemptRow {
  id: string;
  workspaceId: string;
  callId: string;
  sequence: number;
  gatewayId: number | null;
  /** `host:port;transport`, as it was when dialled. */
  gateway: string;
  sipCallId: string;
  /** Of an INVITE that came in: what RFC 3261 §8.2.2.2 tells it from others by. Unique. */
  mergeKey: string | null;
  state: AttemptState;
  nodeId: string | null;
  /** Dialog state, to end a call of a node that died. */
  dialog: unknown;
  sipCode: number | null;
  sipReason: string | null;
  reasonHeader: string | null;
  startedAt: Date;
  endedAt: Date | null;
}

export type NewAttempt = Pick<
  AttemptRow,
  'id' | 'workspaceId' | 'callId' | 'sequence' | 'gatewayId' | 'gateway' | 'sipCallId' | 'nodeId'
> &
  Partial<Pick<AttemptRow, 'mergeKey' | 'dialog'>>;

export interface AttemptEnd {
  sipCode?: number | null | undefined;
  sipReason?: string | null | undefined;
  reasonHeader?: string | null | undefined;
}

/**
 * Commits that an INVITE is about to leave. Must be committed before the INVITE is sent. Throws
 * PostgreSQL's 23505 when this attempt of the call exists, or its merge key: somebody else has it.
 */
export async function insertDialing(client: Queryable, attempt: NewAttempt): Promise<AttemptRow> {
  return requireOne(
    client,
    hot(`insert into attempts
       (id, workspace_id, call_id, sequence, gateway_id, gateway, sip_call_id, node_id, merge_key,
        dialog, state)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'dialing') returning *`),
    [
      attempt.id,
      attempt.workspaceId,
      attempt.callId,
      attempt.sequence,
      attempt.gatewayId,
      attempt.gateway,
      storableText(attempt.sipCallId),
      attempt.nodeId,
      attempt.mergeKey ?? null,
      attempt.dialog === undefined ? null : storableJson(attempt.dialog),
    ],
  );
}

export async function get(client: Queryable, attemptId: string): Promise<AttemptRow | null> {
  return selectOne(client, 'select * from attempts where id = $1', [attemptId]);
}

/** Keeps the dialog; with `answered` the attempt has been answered. Null when it has ended. */
export async function setDialog(
  client: Queryable,
  attemptId: string,
  dialog: unknown,
  answered = false,
): Promise<AttemptRow | null> {
  return selectOne(
    client,
    hot(`update attempts set dialog = $2, state = case when $3 then 'answered' else state end
     where id = $1 and state in ('dialing', 'answered') returning *`),
    [attemptId, storableJson(dialog), answered],
  );
}

/** Ends an attempt once; null when it had ended before. */
export async function finish(
  client: Queryable,
  attemptId: string,
  state: 'failed' | 'interrupted' | 'done',
  end: AttemptEnd = {},
): Promise<AttemptRow | null> {
  const values: unknown[] = [attemptId, state];
  const sets = assignments({ ...end }, ['sipCode', 'sipReason', 'reasonHeader'], values);
  return selectOne(
    client,
    hot(`update attempts set ${['state = $2', 'ended_at = now()', ...sets].join(', ')}
     where id = $1 and state in ('dialing', 'answered') returning *`),
    values,
  );
}

/** In the order in which they were dialled. */
export async function listByCall(client: Queryable, callId: string): Promise<AttemptRow[]> {
  return selectRows(client, 'select * from attempts where call_id = $1 order by sequence', [
    callId,
  ]);
}

/**
 * Attempts without an end whose node is dead (as in `calls.listUnfinishedOfDeadNodes`), locked for
 * the transaction that settles them.
 */
export async function listOfDeadNodes(
  client: Queryable,
  deadAfterMs: number,
  ownNodeId: string,
  limit = 100,
): Promise<AttemptRow[]> {
  return selectRows(
    client,
    `select attempts.* from attempts
     where state in ('dialing', 'answered') and node_id is distinct from $3 and not exists (
       select from nodes where nodes.id = attempts.node_id
         and nodes.seen_at >= now() - $1 * interval '1 millisecond')
     order by id limit $2 for update of attempts skip locked`,
    [deadAfterMs, limit, ownNodeId],
  );
}

/** Of several calls, each in the order in which they were made. */
export async function listByCalls(
  client: Queryable,
  callIds: readonly string[],
): Promise<AttemptRow[]> {
  return selectRows(
    client,
    'select * from attempts where call_id = any($1) order by call_id, sequence',
    [callIds],
  );
}
