import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { openDatabase, type Database } from './database.ts';
import { hot, keepPlans } from './hot-statements.ts';
import * as callParts from './queries/call-parts.ts';
import { createTestDatabase, type TestDatabase } from './testing/test-database.ts';

let test: TestDatabase;
let db: Database;
let pool: Pool;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
  await db.pool.query(`insert into workspaces (id, name) values ('ws_a', 'A'), ('ws_b', 'B')`);
  pool = new Pool({ connectionString: test.url, max: 1 });
  pool.on('connect', keepPlans);
});
afterAll(async () => {
  await pool.end();
  await db.close();
  await test.close();
});

async function kept(): Promise<string[]> {
  const { rows } = await pool.query<{ statement: string }>(
    'select statement from pg_prepared_statements',
  );
  return rows.map(({ statement }) => statement);
}

describe('a connection that keeps plans', () => {
  it('plans a hot statement once and answers it each time with its values', async () => {
    const text = hot('select $1::int + 1 as sum');
    for (let n = 0; n < 8; n++) {
      expect((await pool.query(text, [n])).rows).toEqual([{ sum: n + 1 }]);
    }
    expect((await kept()).filter((one) => one === text)).toHaveLength(1);
  });

  it('keeps no plan of any other statement', async () => {
    const text = 'select $1::int + 2 as sum';
    await pool.query(text, [1]);
    expect(await kept()).not.toContain(text);
  });

  it('answers a kept statement by what is stored now, also after a table has grown a column', async () => {
    const load = (id: string): ReturnType<typeof callParts.load> =>
      callParts.load(pool, { workspaceId: id, agentId: null, e164: null });
    for (let n = 0; n < 8; n++) expect((await load('ws_a')).workspace?.name).toBe('A');
    await pool.query(`update workspaces set name = 'New' where id = 'ws_b'`);
    expect((await load('ws_b')).workspace?.name).toBe('New');
    await pool.query('alter table workspaces add column more text');
    expect((await load('ws_a')).workspace).toMatchObject({ name: 'A', more: null });
  });
});
