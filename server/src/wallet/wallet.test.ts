import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as ledger from '../db/queries/ledger.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as rates from '../db/queries/rates.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock as clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import { createWallet, type AppendWalletEvent, type Wallet } from './wallet.ts';

let test: TestDatabase;
let db: Database;
let wallet: Wallet;
let events: Parameters<AppendWalletEvent>[1][];

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger, clock });
  events = [];
  wallet = createWallet({
    db,
    appendEvent: (_client, event) => Promise.resolve(void events.push(event)),
  });
});
afterAll(async () => {
  await db.close();
  await test.close();
});

let serial = 0;
async function workspace(mode: 'prepaid' | 'unlimited', micros: number): Promise<string> {
  const id = newId('ws', clock.now() + serial++);
  await db.pool.query(`insert into workspaces (id, name) values ($1, 'x')`, [id]);
  await wallet.configure(id, { mode });
  if (micros > 0) await wallet.topUp({ workspaceId: id, micros });
  return id;
}

const estimate = { periodMs: 60_000, periodMicros: 100 };
const inTransaction = <T>(fn: (client: Queryable) => Promise<T>): Promise<T> => db.transaction(fn);
const hold = (workspaceId: string, callId: string, periodMicros = 100) =>
  inTransaction((client) =>
    wallet.hold(client, { workspaceId, callId, estimate: { ...estimate, periodMicros } }),
  );
const settle = (workspaceId: string, callId: string, micros: number) =>
  inTransaction((client) => wallet.settle(client, { workspaceId, callId, micros }));
const release = (callId: string) => inTransaction((client) => wallet.release(client, callId));

describe('a prepaid wallet', () => {
  it('lets a call begin when its first minute is covered, and says what is missing when not', async () => {
    const ws = await workspace('prepaid', 150);
    expect(await hold(ws, 'w1_a')).toEqual({ ok: true });
    expect(await wallet.balance(ws)).toMatchObject({
      balanceMicros: 150,
      heldMicros: 100,
      availableMicros: 50,
    });
    expect(await hold(ws, 'w1_b')).toEqual({ ok: false, balanceMicros: 50, neededMicros: 100 });
    expect(await wallet.balance(ws)).toMatchObject({ heldMicros: 100 });
  });

  it('reserves the next minute of a live call until the money is gone', async () => {
    const ws = await workspace('prepaid', 250);
    await hold(ws, 'w2_a');
    expect(await wallet.extend('w2_a')).toBe(true);
    expect(await wallet.extend('w2_a')).toBe(false);
    await settle(ws, 'w2_a', 190);
    expect(await wallet.balance(ws)).toMatchObject({ balanceMicros: 60, heldMicros: 0 });
  });

  it('does not let two calls that ask at once reserve the same money', async () => {
    const ws = await workspace('prepaid', 350);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => hold(ws, `w3_${index}`)),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(3);
    expect(await wallet.balance(ws)).toMatchObject({ availableMicros: 50, heldMicros: 300 });
  });

  it('reserves, settles and releases a call once, however often it is asked', async () => {
    const ws = await workspace('prepaid', 1_000);
    await hold(ws, 'w4_a');
    await hold(ws, 'w4_a');
    expect(await wallet.balance(ws)).toMatchObject({ heldMicros: 100 });
    await Promise.all([1, 2, 3].map(() => settle(ws, 'w4_a', 30)));
    await release('w4_a');
    expect(await wallet.balance(ws)).toMatchObject({ balanceMicros: 970, heldMicros: 0 });
    await hold(ws, 'w4_b');
    await Promise.all([1, 2, 3].map(() => release('w4_b')));
    expect(await wallet.balance(ws)).toMatchObject({ balanceMicros: 970, heldMicros: 0 });
  });

  it('charges a call whose money was given back before its cost was known', async () => {
    const ws = await workspace('prepaid', 1_000);
    await hold(ws, 'w5_a');
    await release('w5_a');
    await settle(ws, 'w5_a', 40);
    expect(await wallet.balance(ws)).toMatchObject({ balanceMicros: 960, heldMicros: 0 });
  });

  it('takes nothing with the transaction that is rolled back', async () => {
    const ws = await workspace('prepaid', 1_000);
    await expect(
      inTransaction(async (client) => {
        await wallet.hold(client, { workspaceId: ws, callId: 'w6_a', estimate });
        throw new Error('the call was not stored');
      }),
    ).rejects.toThrow('not stored');
    expect(await wallet.balance(ws)).toMatchObject({ heldMicros: 0 });
  });
});

describe('an unlimited wallet', () => {
  it('refuses nothing and keeps the ledger', async () => {
    const ws = await workspace('unlimited', 0);
    expect(await hold(ws, 'u1_a')).toEqual({ ok: true });
    expect(await wallet.extend('u1_a')).toBe(true);
    await settle(ws, 'u1_a', 120);
    expect(await wallet.balance(ws)).toMatchObject({ balanceMicros: -120, heldMicros: 0 });
  });

  it('books nothing for calls that cost nothing', async () => {
    const ws = await workspace('unlimited', 0);
    await hold(ws, 'u2_a', 0);
    expect(await wallet.extend('u2_a')).toBe(true);
    await settle(ws, 'u2_a', 0);
    const page = await ledger.listEntries(db.pool, ws, {}, { limit: 10, beforeId: null });
    expect(page.data).toEqual([]);
  });
});

describe('money that comes in', () => {
  it('is booked once under one reference, and the reference cannot mean something else', async () => {
    const ws = await workspace('prepaid', 0);
    const topUp = { workspaceId: ws, micros: 500, reference: 'invoice 1' };
    const booked = await Promise.all([1, 2, 3].map(() => wallet.topUp(topUp)));
    expect(booked.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(booked.map(({ transaction }) => transaction.id)).size).toBe(1);
    await expect(wallet.topUp({ ...topUp, micros: 501 })).rejects.toMatchObject({
      code: 'reference-taken',
    });
    expect(await wallet.balance(ws)).toMatchObject({ balanceMicros: 500 });
  });

  it('comes back at most as far as the call was charged', async () => {
    const ws = await workspace('prepaid', 500);
    await hold(ws, 'r1_a');
    await settle(ws, 'r1_a', 80);
    const refund = (micros: number) => wallet.refund({ workspaceId: ws, callId: 'r1_a', micros });
    expect((await refund(30)).transaction.amountMicros).toBe(30);
    await expect(refund(51)).rejects.toMatchObject({ code: 'nothing-to-refund' });
    expect((await refund(0)).transaction.amountMicros).toBe(50);
    await expect(refund(0)).rejects.toMatchObject({ code: 'nothing-to-refund' });
    expect(await wallet.balance(ws)).toMatchObject({ balanceMicros: 500 });
  });

  it('does not come back for another workspace’s call', async () => {
    const [ws, other] = [await workspace('prepaid', 500), await workspace('prepaid', 500)];
    await hold(ws, 'r2_a');
    await settle(ws, 'r2_a', 80);
    await expect(
      wallet.refund({ workspaceId: other, callId: 'r2_a', micros: 10 }),
    ).rejects.toMatchObject({ code: 'nothing-to-refund' });
  });
});

describe('a low balance', () => {
  it('is told once for each threshold that a charge falls through, highest first', async () => {
    const ws = await workspace('prepaid', 1_000);
    await wallet.configure(ws, { thresholdsMicros: [200, 500, 900] });
    events.length = 0;
    await settle(ws, 'l1_a', 50);
    expect(events).toEqual([]);
    await settle(ws, 'l1_b', 500);
    await settle(ws, 'l1_b', 500);
    expect(events.map(({ data }) => data)).toEqual([
      { balance_micros: 450, threshold_micros: 900, currency: 'USD', mode: 'prepaid' },
      { balance_micros: 450, threshold_micros: 500, currency: 'USD', mode: 'prepaid' },
    ]);
    expect(events[0]).toMatchObject({ workspaceId: ws, type: 'wallet.low-balance' });
  });
});

describe('the ledger', () => {
  it('refuses a transaction whose entries do not add up to zero', async () => {
    const ws = await workspace('prepaid', 10);
    const wrong = { available: 5, funding: -4 };
    await expect(
      inTransaction((client) =>
        ledger.post(client, {
          workspaceId: ws,
          kind: 'top-up',
          callId: null,
          reference: null,
          description: null,
          amounts: wrong,
        }),
      ),
    ).rejects.toThrow('add up to zero');
  });

  it('cannot be rewritten', async () => {
    const ws = await workspace('prepaid', 10);
    for (const statement of [
      `update ledger_entries set amount_micros = 1 where workspace_id = $1`,
      `delete from ledger_entries where workspace_id = $1`,
      `delete from ledger_transactions where workspace_id = $1`,
    ]) {
      await expect(db.pool.query(statement, [ws])).rejects.toThrow('append-only');
    }
  });
});

describe('what a call is expected to cost', () => {
  const providers = {
    platform: 'trunkline',
    network: 'trunk_1',
    transcriber: 'local',
    model: 'scripted',
    synthesizer: 'local',
  };
  const price = (fields: Partial<rates.RateRow>): Promise<rates.RateRow> =>
    rates.insert(db.pool, {
      id: newId('rate', clock.now() + serial++),
      workspaceId: null,
      kind: 'network',
      provider: '*',
      prefix: '',
      unit: 'minute',
      microsPerUnit: 0,
      ...fields,
    });

  it('goes by the workspace’s own rate in place of the platform’s for the same', async () => {
    const [ws, other] = [await workspace('prepaid', 0), await workspace('prepaid', 0)];
    await price({ microsPerUnit: 50 });
    await price({ microsPerUnit: 70, prefix: '49' });
    await price({ microsPerUnit: 5, prefix: '49', workspaceId: ws });
    const expected = async (workspaceId: string, destination: string): Promise<number> =>
      (await wallet.estimate(db.pool, { workspaceId, providers, destination })).periodMicros;
    expect(await expected(ws, '+4930123456')).toBe(5);
    expect(await expected(other, '+4930123456')).toBe(70);
    expect(await expected(ws, '+14155550123')).toBe(50);
  });
});
