import type { Client, PoolClient } from 'pg';
import { migrationList, type Migration } from './migrations/migration-list.ts';

/** Any number that no other program on this database locks. */
const MIGRATION_LOCK = 7_301_956_421;

/**
 * Brings the schema up to date: forward only, each migration in a transaction of its own, one
 * program at a time. Returns the versions that were applied now. Throws when the database was
 * written by a newer Trunkline.
 * @param finish runs behind them, under the same lock.
 */
export async function migrate(
  client: Client | PoolClient,
  migrations: readonly Migration[] = migrationList,
  finish: () => Promise<void> = () => Promise.resolve(),
): Promise<number[]> {
  await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
  try {
    const applied = await applyMissing(client, migrations);
    await finish();
    return applied;
  } finally {
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]);
  }
}

async function applyMissing(
  client: Client | PoolClient,
  migrations: readonly Migration[],
): Promise<number[]> {
  await client.query(`create table if not exists migrations (
    version int primary key,
    name text not null,
    applied_at timestamptz not null default now()
  )`);
  const { rows } = await client.query<{ version: number }>('select version from migrations');
  const applied = new Set(rows.map((row) => row.version));
  const newest = migrations.at(-1)?.version ?? 0;
  const unknown = [...applied].find((version) => version > newest);
  if (unknown !== undefined) {
    throw new Error(
      `the database has migration ${unknown} of a newer Trunkline; this one knows ${newest} and must not write to it`,
    );
  }
  const added: number[] = [];
  for (const migration of migrations) {
    if (applied.has(migration.version)) continue;
    await applyOne(client, migration);
    added.push(migration.version);
  }
  return added;
}

async function applyOne(client: Client | PoolClient, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.sql);
    await client.query('insert into migrations (version, name) values ($1, $2)', [
      migration.version,
      migration.name,
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`migration ${migration.version} (${migration.name}) failed`, { cause: error });
  }
}
