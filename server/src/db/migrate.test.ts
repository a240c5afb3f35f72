import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from './migrate.ts';
import { migrationList } from './migrations/migration-list.ts';
import { createEmptyDatabase, type TestDatabase } from './testing/test-database.ts';

let testDatabase: TestDatabase;
const clients: Client[] = [];

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: testDatabase.url });
  clients.push(client);
  await client.connect();
  return client;
}

beforeEach(async () => {
  testDatabase = await createEmptyDatabase();
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
  await testDatabase.close();
});

const one = { version: 1, name: 'one', sql: 'create table first (id int)' };

describe('migrate', () => {
  it('makes the whole schema on an empty database and nothing the second time', async () => {
    const client = await connect();
    expect(await migrate(client)).toEqual(migrationList.map((migration) => migration.version));
    expect(await migrate(client)).toEqual([]);
    const { rows } = await client.query('select version, name from migrations order by version');
    expect(rows).toEqual(migrationList.map(({ version, name }) => ({ version, name })));
    await client.query('select * from calls');
  });

  it('applies each migration once when several programs start together', async () => {
    const programs = await Promise.all([connect(), connect(), connect()]);
    const applied = await Promise.all(programs.map((client) => migrate(client)));
    expect(applied.flat()).toEqual(migrationList.map((migration) => migration.version));
  });

  it('adds only what is new', async () => {
    const client = await connect();
    await migrate(client, [one]);
    const two = { version: 2, name: 'two', sql: 'alter table first add name text' };
    expect(await migrate(client, [one, two])).toEqual([2]);
    await client.query('select name from first');
  });

  it('leaves nothing of a migration that fails, names it, and lets others go on', async () => {
    const client = await connect();
    const bad = { version: 2, name: 'bad', sql: 'create table half (id int); select nonsense' };
    await expect(migrate(client, [one, bad])).rejects.toThrow('migration 2 (bad) failed');
    const { rows } = await client.query(`select to_regclass('half') as half`);
    expect(rows).toEqual([{ half: null }]);
    expect(await migrate(await connect(), [one])).toEqual([]);
  });

  it('refuses a database of a newer Trunkline', async () => {
    const client = await connect();
    await migrate(client, [one, { version: 2, name: 'two', sql: 'select 1' }]);
    await expect(migrate(client, [one])).rejects.toThrow('migration 2 of a newer Trunkline');
  });
});

describe('migration list', () => {
  it('counts up from 1 and gives no version twice', () => {
    const versions = migrationList.map((migration) => migration.version);
    expect(versions[0]).toBe(1);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  it('frees the numbers of workspaces that were deleted before, and only theirs', async () => {
    const client = await connect();
    await migrate(
      client,
      migrationList.filter(({ version }) => version < 23),
    );
    await client.query(`
      insert into workspaces (id, name, deleted_at) values ('ws_on', 'on', null), ('ws_off', 'off', now());
      insert into trunks (id, workspace_id, name) values ('trunk_on', 'ws_on', 'x'), ('trunk_off', 'ws_off', 'x');
      insert into numbers (id, workspace_id, e164, trunk_id)
        values ('number_on', 'ws_on', '+14155550101', 'trunk_on'), ('number_off', 'ws_off', '+14155550102', 'trunk_off')`);
    await migrate(client);
    const numbers = await client.query('select id from numbers');
    expect(numbers.rows).toEqual([{ id: 'number_on' }]);
    const trunks = await client.query('select id from trunks where deleted_at is null and active');
    expect(trunks.rows).toEqual([{ id: 'trunk_on' }]);
  });
});
