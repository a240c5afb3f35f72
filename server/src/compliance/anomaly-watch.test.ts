import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import * as queries from '../db/queries/guardrails.ts';
import * as attempts from '../db/queries/zentrunk-attempts.ts';
import * as zentrunkCalls from '../db/queries/zentrunk-calls.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { startAnomalyWatch } from './anomaly-watch.ts';
import { changeSettings } from './settings-store.ts';

let test: TestDatabase;
let db: Database;
const NOW = Date.UTC(2026, 0, 14, 20);

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
});
afterAll(async () => {
  await db.close();
  await test.close();
});

/** A workspace that called 50 numbers in the last minute, answered and hung up after 3 s. */
async function workspace(id: string, sandbox: boolean): Promise<void> {
  await db.pool.query(`insert into workspaces (id, name) values ($1, 'Test')`, [id]);
  await db.pool.query(
    'insert into trunks (id, workspace_id, name, sandbox) values ($1, $1, $1, $2)',
    [id, sandbox],
  );
  for (let n = 0; n < 50; n++) {
    await calls.insert(db.pool, {
      id: newId('call', NOW - 6e4 + n),
      workspaceId: id,
      direction: 'outbound',
      trunkId: id,
      fromNumber: '+12125550123',
      toNumber: `+141555501${10 + n}`,
      status: 'completed',
      initiatedAt: new Date(NOW - 6e4),
      durationMs: 3e3,
      answeredAt: new Date(NOW - 55e3),
    });
  }
}

describe('the watch over traffic', () => {
  it('pauses the workspace that wants it, and looks at a minute once', async () => {
    await workspace('ws_pause', false);
    await workspace('ws_warn', false);
    await workspace('ws_sandbox', true);
    await db.transaction((client) =>
      changeSettings(client, 'ws_pause', { anomaly: { action: 'pause' } }),
    );
    const clock = new FakeClock(NOW);
    const warned: unknown[] = [];
    const logger = {
      ...silentLogger,
      warn: (fields: object) => void warned.push(fields),
    };
    const watch = startAnomalyWatch({ db, clock, logger });
    await watch.sweep();
    const paused = await queries.getSettings(db.pool, 'ws_pause');
    expect(paused?.pausedAt).toEqual(new Date(NOW));
    expect(paused?.pausedReason).toContain('100 % of the last 50 calls lasted 6 s or less');
    expect((await queries.getSettings(db.pool, 'ws_warn'))?.pausedAt).toBeNull();
    expect(await queries.getSettings(db.pool, 'ws_sandbox')).toBeNull();
    expect(warned).toMatchObject([
      { workspaceId: 'ws_pause', paused: true },
      { workspaceId: 'ws_warn', paused: false },
    ]);
    expect(warned).toMatchObject([
      { signals: [{ code: 'short-calls' }, { code: 'sequential-numbers' }] },
      {},
    ]);
    await watch.sweep();
    expect(warned).toHaveLength(2);
    watch.close();
    expect(clock.pendingCount).toBe(0);
  });

  it('tells of calls at a time of day at which the workspace does not call', async () => {
    await db.pool.query(`insert into workspaces (id, name) values ('ws_night', 'Test')`);
    for (const [id, sandbox] of [
      ['trunk_night', false],
      ['trunk_night_sandbox', true],
    ] as const) {
      await db.pool.query(
        `insert into trunks (id, workspace_id, name, sandbox) values ($1, 'ws_night', $1, $2)`,
        [id, sandbox],
      );
    }
    const insert = (atMs: number, n: number, extra: Partial<calls.NewCall> = {}) =>
      calls.insert(db.pool, {
        id: newId('call', atMs),
        workspaceId: 'ws_night',
        direction: 'outbound',
        trunkId: 'trunk_night',
        fromNumber: '+12125550123',
        toNumber: `+1415555${String(1_000 + n * 7)}`,
        status: 'completed',
        initiatedAt: new Date(atMs),
        answeredAt: new Date(atMs),
        durationMs: 6e4,
        ...extra,
      });
    const now = Date.UTC(2026, 1, 10, 3, 20);
    for (const day of [3, 4, 5, 6]) {
      for (let n = 0; n < 15; n++) await insert(Date.UTC(2026, 1, day, 15, n), n);
    }
    // None of these makes the night usual: the sandbox, who called in, the last hour itself.
    for (let n = 0; n < 12; n++) {
      const lastNight = Date.UTC(2026, 1, 9, 3, n);
      await insert(lastNight, n, { trunkId: 'trunk_night_sandbox' });
      await insert(lastNight, n, { direction: 'inbound' });
      await insert(now - (n + 1) * 60_000, n);
    }
    const warned: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
    const watch = startAnomalyWatch({ db, clock: new FakeClock(now), logger });
    await watch.sweep();
    watch.close();
    expect(warned).toEqual([
      {
        workspaceId: 'ws_night',
        paused: false,
        signals: [
          {
            code: 'unusual-hours',
            message:
              '12 calls left in the last hour; around 3:00 UTC only 0 of 60 did in the week before',
          },
        ],
      },
    ]);
  });

  it('sees the calls of a customer’s trunk, as somebody makes them who has its password', async () => {
    await db.pool.query(`insert into workspaces (id, name) values ('ws_pbx', 'Test')`);
    const now = Date.UTC(2026, 1, 20, 15);
    const call = async (
      n: number,
      extra: Partial<zentrunkCalls.ZentrunkCallRow>,
    ): Promise<void> => {
      const startedAt = new Date(now - 60_000 + n);
      const id = newId('call', now + n);
      const toNumber = `+141555501${10 + (n % 50)}`;
      const trunkId = 'trunk_pbx';
      await attempts.insert(db.pool, { id, workspaceId: 'ws_pbx', trunkId, toNumber, startedAt });
      await zentrunkCalls.insert(db.pool, {
        id: randomUUID(),
        workspaceId: 'ws_pbx',
        trunkId,
        trunkDomain: 'trunk_pbx.example',
        sipCallId: id,
        direction: 'outbound',
        fromNumber: '+12125550123',
        toNumber,
        fromCountry: 'US',
        toCountry: 'US',
        initiatedAt: startedAt,
        answeredAt: startedAt,
        endedAt: new Date(startedAt.getTime() + 3_000),
        billDurationS: 3,
        hangupCode: 4000,
        hangupName: 'normal_hangup',
        hangupSource: 'customer',
        transport: 'udp',
        srtp: false,
        secure: false,
        postDialDelayMs: 100,
        media: null,
        guardrail: null,
        ...extra,
      });
    };
    // Neither what was refused nor what rang a phone of the sandbox is traffic.
    for (let n = 0; n < 50; n++) {
      await call(n, n % 2 === 0 ? { guardrail: 'G01' } : { toNumber: '+15005550101' });
    }
    const warned: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
    const clock = new FakeClock(now);
    const watch = startAnomalyWatch({ db, clock, logger });
    await watch.sweep();
    expect(warned).toEqual([]);
    for (let n = 50; n < 100; n++) await call(n, {});
    await clock.advance(60_000);
    await expect.poll(() => warned.length, { timeout: 20_000 }).toBe(1);
    watch.close();
    expect(warned).toMatchObject([
      {
        workspaceId: 'ws_pbx',
        signals: [{ code: 'short-calls' }, { code: 'sequential-numbers' }],
      },
    ]);
  });
});
