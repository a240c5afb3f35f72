import type { Queryable } from './queryable.ts';
import { countTouched } from './row.ts';

/** A call of a customer's trunk that is to go out by a real carrier. */
export interface ZentrunkAttempt {
  id: string;
  workspaceId: string;
  /** The native trunk that carries it. */
  trunkId: string;
  toNumber: string;
  startedAt: Date;
}

/** How it went, in the words of a call. */
export interface ZentrunkAttemptEnd {
  at: Date;
  status: 'completed' | 'busy' | 'no-answer' | 'failed' | 'canceled';
  endReason: string | null;
  rang: boolean;
  answered: boolean;
}

/** Attempts of a workspace (`$1`) that run; not those of a process that has died. */
export const LIVE_ATTEMPTS = `zentrunk_attempts where workspace_id = $1 and ended_at is null
  and seen_at > now() - interval '1 minute'`;

export async function insert(client: Queryable, attempt: ZentrunkAttempt): Promise<void> {
  const { id, workspaceId, trunkId, toNumber, startedAt } = attempt;
  await client.query(
    `insert into zentrunk_attempts (id, workspace_id, trunk_id, to_number, started_at)
     values ($1, $2, $3, $4, $5)`,
    [id, workspaceId, trunkId, toNumber, startedAt],
  );
}

/** The process that carries them lives. */
export async function touch(client: Queryable, ids: readonly string[]): Promise<void> {
  await client.query(
    'update zentrunk_attempts set seen_at = now() where id = any($1) and ended_at is null',
    [ids],
  );
}

export async function finish(
  client: Queryable,
  id: string,
  end: ZentrunkAttemptEnd,
): Promise<void> {
  await client.query(
    `update zentrunk_attempts set ended_at = $2, status = $3, end_reason = $4, rang = $5,
       answered = $6 where id = $1 and ended_at is null`,
    [id, end.at, end.status, end.endReason, end.rang, end.answered],
  );
}

/** One whose INVITE never left. */
export async function remove(client: Queryable, id: string): Promise<void> {
  await client.query('delete from zentrunk_attempts where id = $1', [id]);
}

/** Deletes what began before; how many there were. */
export async function removeBefore(client: Queryable, before: Date): Promise<number> {
  return countTouched(client, 'delete from zentrunk_attempts where started_at < $1', [before]);
}
