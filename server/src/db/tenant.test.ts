import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { openDatabase, type Database } from './database.ts';
import { createTestDatabase, type TestDatabase } from './testing/test-database.ts';

let test: TestDatabase;
let db: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
  await db.pool.query(`insert into workspaces (id, name) values ('ws_a', 'A'), ('ws_b', 'B')`);
  await db.pool.query(
    `insert into agents (id, workspace_id, config)
     values ('agent_a', 'ws_a', '{"n": 1}'), ('agent_b', 'ws_b', '{"n": 2}')`,
  );
});

afterAll(async () => {
  await db.close();
  await test.close();
});

describe('a tenant’s database', () => {
  it('shows a statement without any condition its own rows only', async () => {
    const { rows, rowCount } = await db.tenant('ws_a').query('select id, config from agents');
    expect(rows).toEqual([{ id: 'agent_a', config: { n: 1 } }]);
    expect(rowCount).toBe(1);
  });

  it('takes values and maps types as the pool does', async () => {
    const { rows } = await db
      .tenant('ws_b')
      .query('select count(*) as n, $1::bigint as big, $2::timestamptz as at from agents', [
        7,
        new Date(0),
      ]);
    expect(rows).toEqual([{ n: 1, big: 7, at: new Date(0) }]);
  });

  it('refuses a row of another workspace', async () => {
    const insert = db
      .tenant('ws_a')
      .query(`insert into agents (id, workspace_id, config) values ('agent_x', 'ws_b', '{}')`);
    await expect(insert).rejects.toMatchObject({ code: '42501' });
  });

  it('leaves nothing on the connection', async () => {
    await db.tenant('ws_a').query('select 1');
    const { rows } = await db.pool.query('select count(*) as n from agents');
    expect(rows).toEqual([{ n: 2 }]);
  });

  it('holds for every statement of a transaction, and for none behind it', async () => {
    const seen = await db.tenant('ws_a').transaction(async (client) => {
      await client.query(
        `insert into agents (id, workspace_id, config) values ('agent_c', 'ws_a', '{}')`,
      );
      return client.query('select id from agents order by id');
    });
    expect(seen.rows.map((row) => row['id'])).toEqual(['agent_a', 'agent_c']);
    expect((await db.pool.query('select id from agents')).rowCount).toBe(3);
  });

  it('rejects with the statement’s error and goes on', async () => {
    await expect(db.tenant('ws_a').query('select nothing from nowhere')).rejects.toMatchObject({
      code: '42P01',
    });
    expect((await db.tenant('ws_a').query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('takes a workspace’s id as a value, whatever is in it', async () => {
    const hostile = `ws_a', true), set_config('trunkline.workspace_id', '`;
    expect((await db.tenant(hostile).query('select id from agents')).rows).toEqual([]);
    const inside = await db
      .tenant(hostile)
      .transaction((client) => client.query('select id from agents'));
    expect(inside.rows).toEqual([]);
  });

  it('is not given for no workspace', () => {
    expect(() => db.tenant('')).toThrow('expected the id of a workspace');
  });
});
