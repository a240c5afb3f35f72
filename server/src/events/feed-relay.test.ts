import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { appendCallEvent, readCallEvents } from './event-log.ts';
import type { CallEvent } from './call-event.ts';
import { startFeedRelay } from './feed-relay.ts';
import { createLiveFeed, type FeedSubscription } from './live-feed.ts';

let test: TestDatabase;
let db: Database;
let callId: string;
const PATIENT = { timeout: 20_000, interval: 5 };

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
  await db.pool.query(`insert into workspaces (id, name) values ('ws_1', 'A'), ('ws_2', 'B')`);
});
afterAll(async () => {
  await db.close();
  await test.close();
});
beforeEach(async () => {
  await db.pool.query('delete from call_events');
  callId = await call('ws_1');
});

async function call(workspaceId: string): Promise<string> {
  const id = newId('call', Date.now());
  await calls.insert(db.pool, {
    id,
    workspaceId,
    direction: 'outbound',
    fromNumber: '+12125550123',
    toNumber: '+14155550142',
    status: 'in-progress',
  });
  return id;
}

/** As another node stores it: nobody publishes it here. */
function dtmf(digit: string, id = callId): Promise<CallEvent> {
  return db.transaction((client) =>
    appendCallEvent(client, id, { type: 'call.dtmf', data: { digit, from: 'caller' } }),
  );
}

/** A node of its own on the database: what its subscribers see. */
function node() {
  const clock = new FakeClock();
  const feed = createLiveFeed((id, after) => readCallEvents(db.pool, id, after));
  const relay = startFeedRelay({ feed, pool: db.pool, clock, logger: silentLogger });
  return {
    feed,
    collect(subscription: FeedSubscription): string[] {
      const digits: string[] = [];
      void (async () => {
        for await (const { data } of subscription) digits.push((data as { digit: string }).digit);
      })();
      return digits;
    },
    tick: () => clock.advance(250),
    /** Time goes by until they have seen it. */
    until: (digits: string[], expected: string[]) =>
      expect
        .poll(async () => {
          await clock.advance(250);
          return digits;
        }, PATIENT)
        .toEqual(expected),
    close() {
      relay.close();
      feed.close();
    },
  };
}

it('brings those who follow a workspace the events that other nodes stored, of it alone', async () => {
  const here = node();
  await dtmf('0');
  await db.pool.query(`update call_events set created_at = now() - interval '1 minute'`);
  const digits = here.collect(here.feed.subscribe({ workspaceId: 'ws_1' }));
  await here.tick();
  const foreign = await call('ws_2');
  // What was before its first look is not news, and when that is nobody knows.
  await expect
    .poll(async () => {
      await dtmf('9', foreign);
      await dtmf('1');
      await here.tick();
      return digits[0];
    }, PATIENT)
    .toBe('1');
  expect(digits).not.toContain('9');
  expect(digits).not.toContain('0');
  here.close();
});

it('tells what was published here once, though the log has it too', async () => {
  const here = node();
  const digits = here.collect(here.feed.replay({ workspaceId: 'ws_1', callId }, 0));
  const all = here.collect(here.feed.subscribe({ workspaceId: 'ws_1' }));
  await here.tick();
  here.feed.publish(await dtmf('1'));
  await dtmf('2');
  here.feed.publish(await dtmf('3'));
  await here.until(digits, ['1', '2', '3']);
  await expect.poll(() => [...all].sort(), PATIENT).toEqual(['1', '2', '3']);
  await dtmf('4');
  await here.until(digits, ['1', '2', '3', '4']);
  expect(all.filter((digit) => digit === '1')).toHaveLength(1);
  here.close();
});

it('does not miss an event that was being stored while it looked for the first time', async () => {
  const here = node();
  const other = await call('ws_1');
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
  const { promise: isAppended, resolve: appended } = Promise.withResolvers<void>();
  const slow = db.transaction(async (client) => {
    const data = { digit: 'last', from: 'caller' } as const;
    await appendCallEvent(client, callId, { type: 'call.dtmf', data });
    appended();
    await mayCommit;
  });
  await isAppended;
  await dtmf('higher', other);
  const digits = here.collect(here.feed.replay({ workspaceId: 'ws_1', callId }, 0));
  const all = here.collect(here.feed.subscribe({ workspaceId: 'ws_1' }));
  await here.until(all, ['higher']);
  commit();
  await slow;
  await here.until(digits, ['last']);
  here.close();
});

it('does not miss an event that was committed after one with a higher number', async () => {
  const here = node();
  const other = await call('ws_1');
  const digits = here.collect(here.feed.subscribe({ workspaceId: 'ws_1' }));
  await dtmf('0');
  await here.tick();
  await expect
    .poll(async () => {
      await dtmf('0', other);
      await here.tick();
      return digits.length;
    }, PATIENT)
    .toBeGreaterThan(0);
  let commit = (): void => undefined;
  const mayCommit = new Promise<void>((resolve) => (commit = resolve));
  let appended = (): void => undefined;
  const isAppended = new Promise<void>((resolve) => (appended = resolve));
  const slow = db.transaction(async (client) => {
    const data = { digit: 'slow', from: 'caller' } as const;
    await appendCallEvent(client, callId, { type: 'call.dtmf', data });
    appended();
    await mayCommit;
  });
  await isAppended;
  await dtmf('fast', other);
  await expect
    .poll(async () => {
      await here.tick();
      return digits.at(-1);
    }, PATIENT)
    .toBe('fast');
  commit();
  await slow;
  await expect
    .poll(async () => {
      await here.tick();
      return digits.at(-1);
    }, PATIENT)
    .toBe('slow');
  here.close();
});
