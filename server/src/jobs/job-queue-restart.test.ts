import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { startJobs, type JobQueue } from './job-queue.ts';

let dataDir: string;
let database: Database;
let jobs: JobQueue;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'trunkline-restart-'));
  // Where tests run as root the server runs as somebody who must be able to enter.
  await chmod(dataDir, 0o755);
  database = await openDatabase({ dataDir, logger: silentLogger, clock: systemClock });
  jobs = await startJobs({ url: database.url, logger: silentLogger });
});

afterEach(async () => {
  await jobs.close({ graceful: false });
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function postmasterPid(): Promise<number> {
  const text = await readFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8');
  return Number(text.split('\n')[0]);
}

/** Tries until it works: what a caller of the API does while the database is away. */
async function untilItWorks<T>(attempt: () => Promise<T>): Promise<T> {
  const deadlineMs = systemClock.monotonicMs() + 45_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (systemClock.monotonicMs() > deadlineMs) throw error;
      await systemClock.sleep(50);
    }
  }
}

// Crash recovery on a busy machine takes its time.
describe('a database server that dies under the program', { timeout: 180_000 }, () => {
  it.each(['SIGKILL', 'SIGINT'] as const)(
    'is started again after %s: queries work, and no committed job is lost',
    async (signal) => {
      const seen = new Set<string>();
      const all = Promise.withResolvers<void>();
      await jobs.createQueue('call.dial', { retryDelaySeconds: 0 });
      await database.transaction(async (client) => {
        await jobs.send('call.dial', { callId: 'call_before' }, { client });
      });
      const before = await postmasterPid();
      process.kill(before, signal);
      // A connection may outlive the server for a moment: only the new one proves anything.
      await untilItWorks(async () => expect(await postmasterPid()).not.toBe(before));
      await untilItWorks(() => database.pool.query('select 1'));
      await untilItWorks(() => jobs.send('call.dial', { callId: 'call_after' }));
      await jobs.work('call.dial', {}, (job) => {
        seen.add(job.data.callId);
        if (seen.size === 2) all.resolve();
        return Promise.resolve();
      });
      await all.promise;
      expect([...seen].sort()).toEqual(['call_after', 'call_before']);
    },
  );

  it('is started again under workers, which go on and are notified of new jobs as before', async () => {
    const seen: string[] = [];
    let wake = (): void => undefined;
    await jobs.work('call.dial', {}, (job) => {
      seen.push(job.data.callId);
      wake();
      return Promise.resolve();
    });
    const before = await postmasterPid();
    process.kill(before, 'SIGKILL');
    await untilItWorks(async () => {
      expect(await postmasterPid()).not.toBe(before);
      const { rows } = await database.pool.query<{ query: string }>(
        `select query from pg_stat_activity
         where query ilike '%listen%' and pid <> pg_backend_pid()`,
      );
      expect(rows.length).toBeGreaterThan(0);
    });
    const ran = new Promise<void>((resolve) => {
      wake = resolve;
    });
    await jobs.send('call.dial', { callId: 'call_after' });
    await ran;
    expect(seen).toEqual(['call_after']);
  });
});
