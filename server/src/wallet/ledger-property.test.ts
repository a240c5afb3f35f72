import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock as clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import { createWallet, type Wallet } from './wallet.ts';

let test: TestDatabase;
let db: Database;
let wallet: Wallet;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger, clock });
  wallet = createWallet({ db });
});
afterAll(async () => {
  await db.close();
  await test.close();
});

const PERIOD_MICROS = 100;
const CALLS_A_RUN = 100;
const RUNS = 10;

/** What happens to one call. */
interface CallStory {
  answered: boolean;
  /** Periods that it lasts, if the money does. */
  periods: number;
  /** Of its last period, 1 to 100. */
  lastPeriodMicros: number;
  /** Where its process dies (a step is rolled back, then done by another one), by number of step. */
  crashes: number[];
  /** Steps that are delivered twice. */
  repeats: number[];
}

const story = fc.record<CallStory>({
  answered: fc.boolean(),
  periods: fc.integer({ min: 1, max: 4 }),
  lastPeriodMicros: fc.integer({ min: 1, max: PERIOD_MICROS }),
  crashes: fc.array(fc.nat(6), { maxLength: 3 }),
  repeats: fc.array(fc.nat(6), { maxLength: 3 }),
});

class Crash extends Error {}

/** One step in a transaction: it may die before the commit, and may be done again after it. */
async function step<T>(
  { crashes, repeats }: CallStory,
  number: number,
  work: (client: Queryable) => Promise<T>,
): Promise<T> {
  if (crashes.includes(number)) {
    await db
      .transaction(async (client) => {
        await work(client);
        throw new Crash('killed before the commit');
      })
      .catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
  }
  const result = await db.transaction(work);
  // What was refused may be granted the second time: others have given money back.
  return repeats.includes(number) ? db.transaction(work) : result;
}

/** Lives a call; what it cost, or null when it was refused. */
async function live(workspaceId: string, callId: string, plan: CallStory): Promise<number | null> {
  const estimate = { periodMs: 60_000, periodMicros: PERIOD_MICROS };
  const held = await step(plan, 0, (client) =>
    wallet.hold(client, { workspaceId, callId, estimate }),
  );
  if (!held.ok) return null;
  if (!plan.answered) {
    await step(plan, 1, (client) => wallet.release(client, callId));
    return 0;
  }
  let lived = 1;
  while (lived < plan.periods && (await wallet.extend(callId))) lived++;
  const micros = (lived - 1) * PERIOD_MICROS + plan.lastPeriodMicros;
  await step(plan, 2, (client) => wallet.settle(client, { workspaceId, callId, micros }));
  return micros;
}

describe('the ledger after 1,000 mixed calls and crashes', () => {
  it(
    'equals the sum of the calls, holds nothing and was never overdrawn',
    { timeout: 120_000 },
    async () => {
      let serial = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(story, { minLength: CALLS_A_RUN, maxLength: CALLS_A_RUN }),
          fc.integer({ min: 0, max: 12_000 }),
          async (plans, fundsMicros) => {
            const workspaceId = newId('ws', clock.now() + serial++);
            await db.pool.query(`insert into workspaces (id, name) values ($1, 'x')`, [
              workspaceId,
            ]);
            await wallet.configure(workspaceId, { mode: 'prepaid' });
            if (fundsMicros > 0) await wallet.topUp({ workspaceId, micros: fundsMicros });
            const costs = await Promise.all(
              plans.map((plan, index) => live(workspaceId, `${workspaceId}_${index}`, plan)),
            );
            const charged = costs.reduce<number>((sum, micros) => sum + (micros ?? 0), 0);

            expect(await wallet.balance(workspaceId)).toMatchObject({
              balanceMicros: fundsMicros - charged,
              availableMicros: fundsMicros - charged,
              heldMicros: 0,
            });
            const { rows } = await db.pool.query<Record<string, number>>(
              `with running as (
               select sum(amount_micros) over (order by id) as available
               from ledger_entries where workspace_id = $1 and account = 'available')
             select (select count(*)::int from (select from ledger_entries where workspace_id = $1
                 group by transaction_id having sum(amount_micros) <> 0) unequal) as unequal,
               (select coalesce(sum(amount_micros), 0)::bigint from ledger_entries
                 where workspace_id = $1 and account = 'revenue') as revenue,
               (select coalesce(sum(settled_micros), 0)::bigint from holds
                 where workspace_id = $1) as settled,
               (select coalesce(min(available), 0)::bigint from running) as lowest,
               (select count(*)::int from ledger_accounts where workspace_id = $1
                 and balance_micros <> (select sum(amount_micros) from ledger_entries entry
                   where entry.workspace_id = $1 and entry.account = ledger_accounts.account)
               ) as wrong_balances`,
              [workspaceId],
            );
            expect(rows[0]).toMatchObject({
              unequal: 0,
              revenue: charged,
              settled: charged,
              wrong_balances: 0,
            });
            expect(rows[0]?.['lowest']).toBeGreaterThanOrEqual(-PERIOD_MICROS);
          },
        ),
        { numRuns: RUNS, endOnFailure: true },
      );
    },
  );
});
