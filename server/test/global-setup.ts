import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../src/db/database.ts';
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts';
import { onServer } from '../src/db/testing/test-database.ts';
import { systemClock } from '../src/shared/clock.ts';
import { silentLogger } from '../src/shared/logger.ts';
import { testDatabaseUrl } from './config.ts';

/** One PostgreSQL a run, with a migrated database that every test file clones. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = testDatabaseUrl
    ? { url: testDatabaseUrl, close: () => Promise.resolve() }
    : await startTemporaryServer();
  try {
    const adminUrl = new URL(server.url);
    const template = `trunkline_template_${randomBytes(6).toString('hex')}`;
    await onServer(adminUrl.href, `create database ${template}`);
    const url = new URL(adminUrl);
    url.pathname = `/${template}`;
    const database = await openDatabase({
      url: url.href,
      logger: silentLogger,
      clock: systemClock,
    });
    await database.close();
    project.provide('testDatabase', { adminUrl: adminUrl.href, template });
    return async () => {
      await onServer(adminUrl.href, `drop database if exists ${template}`);
      await server.close();
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function startTemporaryServer(): Promise<{ url: string; close: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'trunkline-test-'));
  await chmod(directory, 0o755);
  const server = await startEmbeddedPostgres({
    directory,
    logger: silentLogger,
    clock: systemClock,
    // Nothing here outlives the run.
    settings: [
      'fsync=off',
      'full_page_writes=off',
      'synchronous_commit=off',
      'max_connections=300',
    ],
  });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
