import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import * as queries from '../db/queries/guardrails.ts';
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
});
