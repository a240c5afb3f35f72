import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { openDatabase, type Database } from './database.ts';
import { createTestDatabase, type TestDatabase } from './testing/test-database.ts';

let testDatabase: TestDatabase;
let database: Database;
const open = (url: string): Promise<Database> =>
  openDatabase({ url, logger: silentLogger, clock: systemClock });

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await open(testDatabase.url);
  await database.pool.query('create table notes (id int primary key)');
});

afterAll(async () => {
  await database.close();
  await database.close();
  await testDatabase.close();
});

async function countNotes(): Promise<unknown> {
  const { rows } = await database.pool.query<{ count: number }>('select count(*) from notes');
  return rows[0]?.count;
}

describe('database', () => {
  it('commits what a transaction did and hands out its result', async () => {
    const before = await countNotes();
    const result = await database.transaction(async (client) => {
      await client.query('insert into notes values (1)');
      return 'done';
    });
    expect([before, result, await countNotes()]).toEqual([0, 'done', 1]);
  });

  it('rolls back when the work throws, and throws the same', async () => {
    const before = await countNotes();
    const failure = new Error('no');
    const work = database.transaction(async (client) => {
      await client.query('insert into notes values (2)');
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    expect(await countNotes()).toBe(before);
  });

  it('does not pretend to have committed when a failed statement was swallowed', async () => {
    const work = database.transaction(async (client) => {
      await client.query('insert into notes values (3)');
      await client.query('insert into notes values (3)').catch(() => undefined);
    });
    await expect(work).rejects.toThrow('expected COMMIT, got ROLLBACK');
  });

  it('survives the loss of its connections, in a transaction and idle', async () => {
    const kill = async (): Promise<void> => {
      const other = await open(testDatabase.url);
      await other.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      );
      await other.close();
    };
    const work = database.transaction(async (client) => {
      await client.query('insert into notes values (4)');
      await kill();
      await client.query('select 1');
    });
    await expect(work).rejects.toThrow();
    expect(await countNotes()).toBe(1);
  });

  it('says in a sentence that the server cannot be reached, without the password', async () => {
    const work = open('postgres://user:secret@127.0.0.1:1/none');
    await expect(work).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    await expect(work).rejects.not.toThrow('secret');
  });
});
