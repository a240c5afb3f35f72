import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { startJobs, type DeliveredJob, type JobQueue } from './job-queue.ts';

let testDatabase: TestDatabase;
let database: Database;
let jobs: JobQueue;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    url: testDatabase.url,
    logger: silentLogger,
    clock: systemClock,
  });
});

afterAll(async () => {
  await database.close();
  await testDatabase.close();
});

beforeEach(async () => {
  jobs = await startJobs({ url: testDatabase.url, logger: silentLogger });
  await database.pool.query('delete from pgboss.job');
});

afterEach(() => jobs.close({ graceful: false }));

/** Resolves with the deliveries once `count` of them have come. */
async function deliveries(
  count: number,
  handle: (job: DeliveredJob<'call.dial'>, signal: AbortSignal) => Promise<void> = () =>
    Promise.resolve(),
): Promise<{ done: Promise<DeliveredJob<'call.dial'>[]>; stop: () => Promise<void> }> {
  const seen: DeliveredJob<'call.dial'>[] = [];
  const { promise, resolve } = Promise.withResolvers<DeliveredJob<'call.dial'>[]>();
  const stop = await jobs.work('call.dial', { concurrency: 2 }, async (job, signal) => {
    seen.push(job);
    if (seen.length === count) resolve(seen);
    await handle(job, signal);
  });
  return { done: promise, stop };
}

describe('job queue', () => {
  it('runs a job when the transaction that sent it commits, and never after a rollback', async () => {
    await jobs.createQueue('call.dial');
    await expect(
      database.transaction(async (client) => {
        await jobs.send('call.dial', { callId: 'call_rolled_back' }, { client });
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    const { done } = await deliveries(1);
    await database.transaction(async (client) => {
      await jobs.send('call.dial', { callId: 'call_committed' }, { client });
    });
    expect((await done).map((job) => job.data.callId)).toEqual(['call_committed']);
  });

  it('delivers a job again when its handler throws', async () => {
    await jobs.createQueue('call.dial', { retryDelaySeconds: 0 });
    const { done } = await deliveries(2, (job) =>
      job.retryCount === 0 ? Promise.reject(new Error('first time')) : Promise.resolve(),
    );
    const id = await jobs.send('call.dial', { callId: 'call_again' });
    expect((await done).map((job) => [job.id, job.retryCount])).toEqual([
      [id, 0],
      [id, 1],
    ]);
  });

  it('delivers the job of a worker that died to another', async () => {
    await jobs.createQueue('call.dial', { retryDelaySeconds: 0 });
    const hung = Promise.withResolvers<void>();
    const delivered = Promise.withResolvers<void>();
    const { done } = await deliveries(2, (job) => {
      delivered.resolve();
      return job.retryCount === 0 ? hung.promise : Promise.resolve();
    });
    const id = await jobs.send('call.dial', { callId: 'call_orphan' });
    await delivered.promise;
    // A dead worker's heartbeat ends; this is what the database sees ten seconds later.
    await database.pool.query(
      `update pgboss.job set heartbeat_on = now() - interval '1 minute' where id = $1`,
      [id],
    );
    expect((await done)[1]).toMatchObject({ id, retryCount: 1 });
    hung.resolve();
  });

  it('adds no second job under a key that waits or runs, and one again afterwards', async () => {
    const running = Promise.withResolvers<void>();
    const send = (): Promise<string | null> =>
      jobs.send('call.dial', { callId: 'call_key' }, { singletonKey: 'key' });
    expect(await send()).not.toBeNull();
    expect(await send()).toBeNull();
    const { done, stop } = await deliveries(1, () => running.promise);
    await done;
    expect(await send()).toBeNull();
    running.resolve();
    await stop();
    expect(await send()).not.toBeNull();
    const again = await deliveries(1);
    await again.done;
  });

  it('runs jobs without a key beside each other', async () => {
    const both = await deliveries(2);
    await jobs.send('call.dial', { callId: 'call_1' });
    await jobs.send('call.dial', { callId: 'call_2' });
    expect((await both.done).map((job) => job.data.callId).sort()).toEqual(['call_1', 'call_2']);
  });

  it('works off a backlog without waiting for the next look, so many at once as it may', async () => {
    await jobs.createQueue('call.dial');
    for (let n = 0; n < 12; n++) await jobs.send('call.dial', { callId: `call_${n}` });
    let running = 0;
    let most = 0;
    const { done } = await deliveries(12, async () => {
      most = Math.max(most, ++running);
      await systemClock.sleep(20);
      running--;
    });
    const startMs = systemClock.monotonicMs();
    expect(new Set((await done).map((job) => job.data.callId)).size).toBe(12);
    expect(most).toBe(2);
    // Six rounds; a look is two seconds after the last one.
    expect(systemClock.monotonicMs() - startMs).toBeLessThan(8_000);
  });

  it('takes a job away when the transaction commits', async () => {
    await jobs.createQueue('call.dial');
    const id = (await jobs.send('call.dial', { callId: 'call_gone' })) ?? '';
    await database.transaction((client) => jobs.remove('call.dial', id, { client }));
    const { done } = await deliveries(1);
    await jobs.send('call.dial', { callId: 'call_here' });
    expect((await done).map((job) => job.data.callId)).toEqual(['call_here']);
  });

  it('keeps a job back until its time', async () => {
    const { done } = await deliveries(2);
    const startAfter = new Date(systemClock.now() + 700);
    await jobs.send('call.dial', { callId: 'call_later' }, { startAfter });
    await jobs.send('call.dial', { callId: 'call_now' });
    expect((await done).map((job) => job.data.callId)).toEqual(['call_now', 'call_later']);
    expect(systemClock.now()).toBeGreaterThanOrEqual(startAfter.getTime());
  });

  it('tells running jobs when it is closed at once, and closes twice', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const { done } = await deliveries(1, (_job, signal) => {
      const ended = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => {
        aborted.resolve(signal.reason);
        ended.resolve();
      });
      return ended.promise;
    });
    await jobs.send('call.dial', { callId: 'call_cut' });
    await done;
    await jobs.close({ graceful: false });
    await jobs.close();
    expect(String(await aborted.promise)).toContain('closed');
  });
});
