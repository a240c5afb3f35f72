import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import * as holds from '../db/queries/holds.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { createGuardrails } from './guardrails.ts';
import { changeSettings } from './settings-store.ts';
import { startSpendWatch, type SpendWatchOptions } from './spend-watch.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 30);
const STARTED = '2026-11-21T12:00:00.000Z';
const ENDS = '2026-11-21T13:00:00.000Z';

let test: TestDatabase;
let db: Database;
let nowMs = NOW;
let workspaceId = '';
let trunkId = '';
let count = 0;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
});
afterAll(async () => {
  await db.close();
  await test.close();
});

beforeEach(async () => {
  workspaceId = `ws_${++count}`;
  trunkId = `trunk_${count}`;
  await db.pool.query(`insert into workspaces (id, name) values ($1, 'Test')`, [workspaceId]);
  await db.pool.query(
    'insert into trunks (id, workspace_id, name, sandbox) values ($1, $2, $1, true)',
    [trunkId, workspaceId],
  );
  await db.pool.query(
    `insert into webhook_endpoints (id, workspace_id, url, format, events)
     values ($1, $2, 'https://example.com', 'trunkline', '{guardrail.spend}')`,
    [`webhook_${count}`, workspaceId],
  );
  nowMs = NOW;
});

const set = (caps: object) =>
  db.transaction((client) => changeSettings(client, workspaceId, { spend_caps: caps }));

/** A call that has reserved, or was charged, so much. */
async function spend(
  micros: number,
  state: 'held' | 'settled' = 'held',
  apiKeyId: string | null = null,
): Promise<string> {
  const callId = newId('call', nowMs);
  await calls.insert(db.pool, {
    id: callId,
    workspaceId,
    direction: 'outbound',
    status: state === 'held' ? 'in-progress' : 'completed',
    trunkId,
    apiKeyId,
    fromNumber: '+12125550123',
    toNumber: '+14155550142',
  });
  await hold(callId, micros, state);
  return callId;
}

async function hold(callId: string, micros: number, state: holds.HoldRow['state']): Promise<void> {
  await holds.put(db.pool, {
    callId,
    workspaceId,
    state,
    heldMicros: state === 'held' ? micros : 0,
    periodMicros: micros,
    settledMicros: state === 'settled' ? micros : 0,
  });
  await db.pool.query('update holds set updated_at = $2 where call_id = $1', [
    callId,
    new Date(nowMs),
  ]);
}

/** A look of a node that has just started, a few seconds after the last one. */
async function look(
  over: SpendWatchOptions['db'] = db,
  noted: Parameters<ReturnType<typeof startSpendWatch>['noteStop']>[0][] = [],
): Promise<void> {
  nowMs += 2_000;
  const clock = new FakeClock(nowMs);
  const watch = startSpendWatch({ db: over, clock, logger: silentLogger });
  for (const stop of noted) watch.noteStop(stop);
  try {
    await watch.sweep();
  } finally {
    watch.close();
  }
  expect(clock.pendingCount).toBe(0);
}

interface Told {
  scope: string;
  scope_id: string;
  period: string;
  threshold_percent: number;
  spent_micros: number;
  cap_micros: number;
}

async function told(): Promise<Told[]> {
  const { rows } = await db.pool.query<{ data: Told }>(
    `select event_data as data from webhook_deliveries
     where workspace_id = $1 and event_type = 'guardrail.spend' order by seq`,
    [workspaceId],
  );
  return rows.map(({ data }) => data);
}

async function percents(): Promise<number[]> {
  return (await told()).map(({ threshold_percent }) => threshold_percent);
}

describe('what is told of spending', () => {
  it('names the cap, what was spent and reserved, and when the period ends', async () => {
    await set({ workspace: { hour_micros: 100_000 } });
    await spend(30_000, 'settled');
    await look();
    expect(await told()).toEqual([]);
    await spend(25_000);
    await look();
    expect(await told()).toEqual([
      {
        scope: 'workspace',
        scope_id: workspaceId,
        period: 'hour',
        threshold_percent: 50,
        spent_micros: 55_000,
        cap_micros: 100_000,
        period_started_at: STARTED,
        resets_at: ENDS,
      },
    ]);
    await spend(45_000);
    await look();
    expect(await percents()).toEqual([50, 80, 100]);
  });

  it('is for each trunk and key by its own id, also of hours that were added up', async () => {
    await set({ trunk: { day_micros: 1_000 }, key: { month_micros: 1_000 } });
    await db.pool.query(
      `insert into spend_hours (workspace_id, scope, hour, micros) values
         ($1, $2, '2026-11-21T08:00:00Z', 300), ($1, 'key:key_a', '2026-11-02T08:00:00Z', 850),
         ($1, $2, '2026-11-20T08:00:00Z', 900), ($1, 'rolled', '2026-11-21T08:00:00Z', 0)`,
      [workspaceId, `trunk:${trunkId}`],
    );
    await spend(200, 'held', 'key_b');
    await look();
    const sorted = (await told()).map((one) => [
      one.scope,
      one.scope_id,
      one.period,
      one.threshold_percent,
      one.spent_micros,
    ]);
    expect(sorted.sort((a, b) => String(a).localeCompare(String(b)))).toEqual([
      ['key', 'key_a', 'month', 50, 850],
      ['key', 'key_a', 'month', 80, 850],
      ['trunk', trunkId, 'day', 50, 500],
    ]);
  });

  it('comes by itself, without another call', async () => {
    await set({ workspace: { day_micros: 1_000 } });
    await spend(500);
    const clock = new FakeClock(nowMs);
    const seen = await new Promise((resolve) => {
      const logger = { ...silentLogger, warn: resolve };
      const watch = startSpendWatch({ db, clock, logger });
      void clock.advance(2_000).then(() => watch.close());
    });
    expect(seen).toMatchObject({ workspaceId, threshold_percent: 50 });
  });
});

describe('how often it is told', () => {
  it('once, however many nodes look at the same moment', async () => {
    await set({ workspace: { hour_micros: 1_000 } });
    await spend(900);
    await Promise.all(Array.from({ length: 8 }, () => look()));
    await look();
    expect(await percents()).toEqual([50, 80]);
  });

  it('once, when the node that tells dies before its transaction commits', async () => {
    await set({ workspace: { hour_micros: 1_000 } });
    await spend(600);
    const dying: SpendWatchOptions['db'] = {
      pool: db.pool,
      transaction: (work) =>
        db.transaction(async (client) => {
          await work(client);
          throw new Error('killed');
        }),
    };
    await expect(look(dying)).rejects.toThrow('killed');
    expect(await told()).toEqual([]);
    await look();
    await look();
    expect(await percents()).toEqual([50]);
  });

  it('once, when a reservation is given back and another takes its place', async () => {
    await set({ workspace: { hour_micros: 1_000 } });
    const callId = await spend(600);
    await look();
    await hold(callId, 0, 'released');
    await look();
    await spend(600);
    await look();
    expect(await percents()).toEqual([50]);
  });

  it('again when a raised cap takes spending below it, and it is reached anew', async () => {
    await set({ workspace: { hour_micros: 1_000 } });
    await spend(800);
    await look();
    await set({ workspace: { hour_micros: 1_500 } });
    await look();
    expect(await percents()).toEqual([50, 80]);
    await spend(400);
    await look();
    await look();
    expect((await told()).map((one) => [one.threshold_percent, one.cap_micros])).toEqual([
      [50, 1_000],
      [80, 1_000],
      [80, 1_500],
    ]);
  });

  it('at once when a lowered cap is reached by what was spent before', async () => {
    await set({ workspace: { hour_micros: 10_000 } });
    await spend(1_000, 'settled');
    await look();
    await set({ workspace: { hour_micros: 1_000 } });
    await look();
    expect(await percents()).toEqual([50, 80, 100]);
  });

  it('anew in the next period, and forgets those before', async () => {
    await set({ workspace: { hour_micros: 1_000 } });
    await spend(600);
    for (const hour of [13, 14]) {
      await look();
      nowMs = Date.UTC(2026, 10, 21, hour, 5);
    }
    await look();
    expect(await percents()).toEqual([50, 50, 50]);
    const { rows } = await db.pool.query(
      'select period_started_at from spend_warnings where workspace_id = $1 order by 1',
      [workspaceId],
    );
    expect(rows).toEqual(
      [13, 14].map((h) => ({ period_started_at: new Date(Date.UTC(2026, 10, 21, h)) })),
    );
  });

  it('is 100 % too when a cap has no room for what the next call reserves', async () => {
    await set({ trunk: { hour_micros: 100_000 } });
    await spend(60_000);
    const noted: Parameters<typeof look>[1] = [];
    const guardrails = createGuardrails({
      clock: new FakeClock(nowMs),
      onSpendStop: (stop) => noted.push(stop),
    });
    await db.pool.query(
      `insert into numbers (id, workspace_id, e164, trunk_id) values ($1, $2, $3, $1)`,
      [trunkId, workspaceId, '+15005550199'],
    );
    const request = {
      stage: 'admission',
      workspaceId,
      trunk: { id: trunkId, sandbox: true },
      from: '+15005550199',
      to: '+15005550101',
      agentId: null,
    } as const;
    expect(
      await guardrails.check(db.pool, { ...request, reserve: () => Promise.resolve(40_000) }),
    ).toMatchObject({
      allowed: true,
    });
    const refused = { ...request, reserve: () => Promise.resolve(60_000) };
    expect(await guardrails.explain(db.pool, refused)).toMatchObject([{ rule: 'G04' }]);
    expect(noted).toEqual([]);
    expect(await guardrails.check(db.pool, refused)).toMatchObject({ rule: 'G04' });
    await look(db, noted);
    await look(db, noted);
    expect((await told()).map((one) => [one.scope_id, one.threshold_percent])).toEqual([
      [trunkId, 50],
      [trunkId, 100],
    ]);
    expect((await told())[1]?.spent_micros).toBe(60_000);
  });

  it('never of a workspace without caps', async () => {
    await spend(1_000_000);
    await look();
    await set({ workspace: { hour_micros: 0 } });
    await look();
    expect(await told()).toEqual([]);
  });
});
