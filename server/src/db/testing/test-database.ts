import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server of this test run, and the migrated database on it that tests clone. */
    testDatabase: { adminUrl: string; template: string };
  }
}

/** A database of a test's own. */
export interface TestDatabase {
  url: string;
  /** Drops it. Connections that a test left open make this fail. */
  close(): Promise<void>;
}

/** Clones the migrated template: an empty database with the whole schema. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { adminUrl, template } = inject('testDatabase');
  return cloneDatabase(adminUrl, template);
}

/** An empty database without a schema. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return cloneDatabase(inject('testDatabase').adminUrl, 'template0');
}

async function cloneDatabase(adminUrl: string, template: string): Promise<TestDatabase> {
  const name = `trunkline_test_${randomBytes(6).toString('hex')}`;
  await onServer(adminUrl, `create database ${name} template ${template}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { url: url.href, close: () => onServer(adminUrl, `drop database if exists ${name}`) };
}

/** Runs one statement outside any test's database. */
export async function onServer(adminUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
