import { join } from 'node:path';
import { Pool, types as pgTypes, type CustomTypesConfig, type PoolClient } from 'pg';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { DatabaseStartError } from './database-start-error.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { keepPlans } from './hot-statements.ts';
import { migrate } from './migrate.ts';
import { migrationList } from './migrations/migration-list.ts';
import type { Queryable } from './queries/queryable.ts';
import { fenceTables } from './row-security.ts';
import { tenantDatabase, type TenantDatabase } from './tenant.ts';
import { parseTimestamptz } from './timestamptz.ts';

const { INT8: INT8_OID, TIMESTAMPTZ: TIMESTAMPTZ_OID } = pgTypes.builtins;
type Oid = Parameters<typeof pgTypes.getTypeParser>[0];
const MIN_SERVER_VERSION = 150_000;

const types: CustomTypesConfig = {
  getTypeParser: ((oid: Oid, format: 'text' | 'binary' = 'text') => {
    // Ids and micros are far below 2^53, so 64-bit integers are numbers here, not strings.
    if (oid === INT8_OID && format === 'text') return Number;
    if (oid === TIMESTAMPTZ_OID && format === 'text') return parseTimestamptz;
    return pgTypes.getTypeParser(oid, format);
  }) as typeof pgTypes.getTypeParser,
};

/** The client of an open transaction. */
export type TransactionClient = PoolClient & Queryable;

export interface Database {
  /** Not fenced: sees every workspace. For background work. */
  pool: Pool;
  /** Connection string, for parts that bring their own connections. Holds the password. */
  url: string;
  /** Commits what `fn` did, or rolls it back when it throws. Not fenced: for background work. */
  transaction<T>(fn: (client: TransactionClient) => Promise<T>): Promise<T>;
  /** The database as one workspace sees it: whatever is asked in its name goes through this. */
  tenant(workspaceId: string): TenantDatabase;
  /** Ends the connections and, where it is ours, the server. */
  close(): Promise<void>;
}

export interface OpenDatabaseOptions {
  /** Connection string of a PostgreSQL 15 or newer; used instead of an embedded one. */
  url?: string | undefined;
  /** Data directory of this Trunkline; the embedded database is in its folder `postgres`. */
  dataDir?: string | undefined;
  logger: Logger;
  clock: Clock;
  onProgress?: (message: string) => void;
  /** Connections at most. Default 20. */
  maxConnections?: number;
}

/** Opens the database and brings its schema up to date. Throws `DatabaseStartError`. */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  const server = await findServer(options);
  const pool = new Pool({
    connectionString: server.url,
    max: options.maxConnections ?? 20,
    connectionTimeoutMillis: 10_000,
    application_name: 'trunkline',
    keepAlive: true,
    types,
  });
  // Without a listener a connection that the server drops while idle would end the program.
  pool.on('error', (err) => options.logger.warn({ err }, 'an idle database connection was lost'));
  // The same for one that is checked out and idle at that moment; its next query fails by itself.
  pool.on('connect', (client) => {
    if (server.isOurs) keepPlans(client);
    client.on('error', (err) => options.logger.debug({ err }, 'a database connection was lost'));
  });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= closeBoth(pool, server);
    return closing;
  };
  let role: string | null;
  try {
    role = await prepare(pool, options);
  } catch (error) {
    await close();
    throw error;
  }
  const transaction: Database['transaction'] = (fn) => inTransaction(pool, fn);
  const tenant: Database['tenant'] = (workspaceId) =>
    tenantDatabase(workspaceId, { pool, transaction, role });
  return { pool, url: server.url, transaction, tenant, close };
}

async function findServer(
  options: OpenDatabaseOptions,
): Promise<{ url: string; isOurs: boolean; close: () => Promise<void> }> {
  if (options.url) return { url: options.url, isOurs: false, close: () => Promise.resolve() };
  if (!options.dataDir) throw new Error('expected url or dataDir, got neither');
  const embedded = await startEmbeddedPostgres({
    directory: join(options.dataDir, 'postgres'),
    logger: options.logger,
    clock: options.clock,
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  return { url: embedded.url, isOurs: true, close: () => embedded.close() };
}

async function closeBoth(pool: Pool, server: { close: () => Promise<void> }): Promise<void> {
  try {
    await pool.end();
  } finally {
    await server.close();
  }
}

/** The role that tenants' statements run as; null where the database's user itself is bound. */
async function prepare(pool: Pool, options: OpenDatabaseOptions): Promise<string | null> {
  const client = await pool.connect().catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new DatabaseStartError(
      'unreachable',
      `the database of DATABASE_URL cannot be reached (${code ?? message}); check host, port, user and password`,
      { cause: error },
    );
  });
  try {
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    );
    const version = rows[0]?.version ?? 0;
    if (version < MIN_SERVER_VERSION) {
      throw new DatabaseStartError(
        'wrong-version',
        `expected PostgreSQL 15 or newer behind DATABASE_URL, got ${Math.floor(version / 10_000)}`,
      );
    }
    let role: string | null = null;
    const applied = await migrate(client, migrationList, async () => {
      role = await fenceTables(client);
    });
    if (applied.length > 0) options.logger.info({ versions: applied }, 'database schema updated');
    return role;
  } finally {
    client.release();
  }
}

async function inTransaction<T>(
  pool: Pool,
  fn: (client: TransactionClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await fn(client);
    const { command } = await client.query('commit');
    // The server answers so when a statement failed and `fn` swallowed it: nothing was committed.
    if (command !== 'COMMIT') throw new Error(`expected COMMIT, got ${command}`);
    return result;
  } catch (error) {
    // When not even that goes through, the connection is thrown away and the server rolls back.
    await client.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
