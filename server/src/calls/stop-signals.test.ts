import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { askToStop, listenForStops, type StopSignals } from './stop-signals.ts';

const NODE = 'node_of_the_call';
let testDatabase: TestDatabase;
let db: Database;
/** Stands still: what is heard without it came by a notification. */
let clock: FakeClock;
let signals: StopSignals;
let heard: string[];
let wake: () => void;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = await openDatabase({ url: testDatabase.url, logger: silentLogger, clock: systemClock });
  await db.pool.query(`insert into workspaces (id, name) values ('ws_stop', 'Stop')`);
  await db.pool.query(`insert into nodes (id, started_at, seen_at) values ($1, now(), now())`, [
    NODE,
  ]);
});

afterAll(async () => {
  await db.close();
  await testDatabase.close();
});

beforeEach(async () => {
  clock = new FakeClock();
  heard = [];
  wake = () => undefined;
  signals = await listen(NODE);
});

afterEach(async () => {
  await signals.close();
  // The server takes leave of a connection in its own time; the next test cuts its own.
  await expect.poll(listeners, { interval: 5 }).toBe(0);
  await db.pool.query('delete from calls');
});

function listen(nodeId: string): Promise<StopSignals> {
  return listenForStops({ pool: db.pool, nodeId, clock, logger: silentLogger }, (callId) => {
    heard.push(callId);
    wake();
  });
}

/** Connections that listen. */
async function listeners(): Promise<number> {
  const { rows } = await db.pool.query(
    `select 1 from pg_stat_activity where query like 'listen %' and datname = current_database()`,
  );
  return rows.length;
}

async function liveCall(nodeId = NODE): Promise<string> {
  const id = newId('call', systemClock.now());
  await calls.insert(db.pool, {
    id,
    workspaceId: 'ws_stop',
    direction: 'outbound',
    fromNumber: '+15005550199',
    toNumber: '+15005550101',
    status: 'in-progress',
  });
  await db.pool.query('update calls set node_id = $2 where id = $1', [id, nodeId]);
  return id;
}

/** Returns when the server's side of the connection is gone. */
async function cutListener(): Promise<void> {
  const { rows } = await db.pool.query<{ gone: boolean }>(
    `select pg_terminate_backend(pid, 5000) as gone from pg_stat_activity
     where query like 'listen %' and datname = current_database()`,
  );
  expect(rows).toEqual([{ gone: true }]);
}

/** Moves time on until a call is heard. */
async function hearAfterTime(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  wake = resolve;
  await clock.advance(1_000);
  await promise;
}

async function asked(): Promise<number> {
  const { rows } = await db.pool.query<{ count: number }>(
    'select count(*)::int as count from stop_requests',
  );
  return rows[0]?.count ?? -1;
}

describe('stop signals', () => {
  it('brings the id at once to whoever listens', async () => {
    const id = await liveCall();
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    await askToStop(db.pool, id);
    await promise;
    expect(heard).toEqual([id]);
  });

  it('finds what was asked while nobody listened', async () => {
    const id = await liveCall();
    await cutListener();
    await askToStop(db.pool, id);
    expect(heard).toEqual([]);
    await hearAfterTime();
    expect(heard[0]).toBe(id);
  });

  it('hears notifications again after its connection was lost', async () => {
    await cutListener();
    await expect
      .poll(async () => {
        await clock.advance(1_000);
        const { rows } = await db.pool.query(
          `select 1 from pg_stat_activity where query like 'listen %'
             and datname = current_database() and state = 'idle'`,
        );
        return rows.length;
      })
      .toBe(1);
    const id = await liveCall();
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    await askToStop(db.pool, id);
    await promise;
    expect(heard).toEqual([id]);
  });

  it('leaves calls of other nodes alone when it looks, and forgets those that are over', async () => {
    const mine = await liveCall();
    await db.pool.query(
      `insert into nodes (id, started_at, seen_at) values ('node_other', now(), now())
       on conflict do nothing`,
    );
    const other = await liveCall('node_other');
    for (const id of [mine, other]) {
      await db.pool.query('insert into stop_requests (call_id) values ($1)', [id]);
    }
    await hearAfterTime();
    expect(heard).toEqual([mine]);
    await db.pool.query(`update calls set status = 'completed' where id = $1`, [mine]);
    await expect
      .poll(async () => {
        await clock.advance(1_000);
        return asked();
      })
      .toBe(1);
    expect(heard).not.toContain(other);
  });

  it('keeps one wish for a call that is asked twice', async () => {
    const id = await liveCall();
    await askToStop(db.pool, id);
    await askToStop(db.pool, id);
    expect(await asked()).toBe(1);
  });

  it('hears nothing once closed, and closes twice', async () => {
    await signals.close();
    await signals.close();
    const id = await liveCall();
    await askToStop(db.pool, id);
    await clock.advance(5_000);
    expect([heard, clock.pendingCount]).toEqual([[], 0]);
  });
});
