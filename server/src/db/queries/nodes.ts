import type { Queryable } from './queryable.ts';
import { countTouched, requireOne, selectRows } from './row.ts';

/** One running program. A program that starts again is a new node. */
export interface NodeRow {
  id: string;
  startedAt: Date;
  seenAt: Date;
}

export async function register(client: Queryable, nodeId: string): Promise<NodeRow> {
  return requireOne(client, 'insert into nodes (id) values ($1) returning *', [nodeId]);
}

/** False when the others have given this node up: its calls are settled, it must not go on. */
export async function heartbeat(client: Queryable, nodeId: string): Promise<boolean> {
  return (
    (await countTouched(client, 'update nodes set seen_at = now() where id = $1', [nodeId])) > 0
  );
}

/** Nodes whose last heartbeat is older than `deadAfterMs`, by the database's clock. */
export async function listDead(client: Queryable, deadAfterMs: number): Promise<NodeRow[]> {
  return selectRows(
    client,
    `select * from nodes where seen_at < now() - $1 * interval '1 millisecond' order by id`,
    [deadAfterMs],
  );
}

/** Forgets a node; calls and attempts that named it name none. */
export async function remove(client: Queryable, nodeId: string): Promise<void> {
  await client.query('delete from nodes where id = $1', [nodeId]);
}
