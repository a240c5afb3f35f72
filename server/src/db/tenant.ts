import {
  Query,
  escapeLiteral,
  type Connection,
  type Pool,
  type QueryConfig,
  type QueryResultRow,
  type Submittable,
} from 'pg';
import type { Database, TransactionClient } from './database.ts';
import type { Queryable } from './queries/queryable.ts';

/** Statements of one workspace: PostgreSQL shows them that workspace's rows and no others. */
export interface TenantDatabase extends Queryable {
  readonly workspaceId: string;
  /** Commits what `fn` did, or rolls it back when it throws. */
  transaction<T>(fn: (client: TransactionClient) => Promise<T>): Promise<T>;
}

export interface TenantOptions {
  pool: Pool;
  transaction: Database['transaction'];
  /** The role that the statements run as; null: the connection's own user is bound by the fence. */
  role: string | null;
}

/**
 * The database as one workspace sees it. A query takes one round trip: the workspace is set and the
 * statement is run in one implicit transaction of the extended protocol.
 */
export function tenantDatabase(workspaceId: string, options: TenantOptions): TenantDatabase {
  const { pool, role } = options;
  // Where there is no role, no workspace means background work, which sees all.
  if (workspaceId === '') throw new Error('expected the id of a workspace, got an empty text');
  const entry = entryOf(role);
  return {
    workspaceId,
    query(text, values = []) {
      const query = fencedQuery({ text, values, entry, workspaceId });
      // The declared type of a submittable is that of streams; with no callback it is a promise.
      return pool.query<QueryResultRow>(query as unknown as string);
    },
    transaction: (fn) =>
      options.transaction(async (client) => {
        const statement = entry.replace('$1', () => escapeLiteral(workspaceId));
        await client.query(statement);
        return fn(client);
      }),
  };
}

/** Local to the transaction: nothing of it is left when the connection goes back to the pool. */
function entryOf(role: string | null): string {
  const enter = `select set_config('trunkline.workspace_id', $1, true)`;
  return role === null ? enter : `${enter}, set_config('role', '${role}', true)`;
}

/** What pg's query does with the server's messages; its types leave that out. */
interface WireQuery extends Submittable {
  handleDataRow: (message: unknown) => void;
  handleCommandComplete: (message: unknown, connection: Connection) => void;
}

/**
 * PostgreSQL protocol §54.2.3 "Extended Query": what is sent between two Syncs is one transaction,
 * so the entry holds for the statement behind it and ends with it.
 */
function fencedQuery(options: {
  text: string;
  values: unknown[];
  entry: string;
  workspaceId: string;
}): Submittable {
  const { text, values, entry, workspaceId } = options;
  // Without values pg would take the simple protocol, which does not mix with the entry's.
  const config: QueryConfig & { queryMode: 'extended' } = { text, values, queryMode: 'extended' };
  const query = new Query(config) as unknown as WireQuery;
  const { submit, handleDataRow, handleCommandComplete } = query;
  let entered = false;
  query.submit = (connection) => {
    connection.stream.cork();
    try {
      connection.parse({ text: entry } as Parameters<Connection['parse']>[0], true);
      connection.bind({ values: [workspaceId] }, true);
      connection.execute({}, true);
      return submit.call(query, connection);
    } finally {
      connection.stream.uncork();
    }
  };
  // The answers to the entry come first; they are nobody's result.
  query.handleDataRow = (message) => {
    if (entered) handleDataRow.call(query, message);
  };
  query.handleCommandComplete = (message, connection) => {
    if (entered) handleCommandComplete.call(query, message, connection);
    entered = true;
  };
  return query;
}
