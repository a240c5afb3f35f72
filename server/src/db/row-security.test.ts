import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { openDatabase, type Database } from './database.ts';
import { fillTables, type FilledTables } from './testing/fill-tables.ts';
import { createTestDatabase, onServer, type TestDatabase } from './testing/test-database.ts';

/** Tables that belong to no workspace, each with the reason. A new one needs a line here. */
const OWNERLESS: Record<string, string> = {
  migrations: 'the schema itself',
  nodes: 'the program’s processes',
  rates: 'the operator’s prices, the same for all',
};

const OURS = 'ws_ours';
const THEIRS = 'ws_theirs';

/** A database whose user is a superuser, and one whose user owns the tables and may make no role. */
const openers: [string, () => Promise<TestDatabase>][] = [
  ['a superuser', createTestDatabase],
  ['the owner of the tables, who may make no roles', createOwnedDatabase],
];

async function createOwnedDatabase(): Promise<TestDatabase> {
  const { adminUrl } = inject('testDatabase');
  const name = `trunkline_owned_${randomBytes(6).toString('hex')}`;
  await onServer(adminUrl, `create role ${name} login password 'owner'`);
  await onServer(adminUrl, `create database ${name} owner ${name}`);
  const url = new URL(adminUrl);
  Object.assign(url, { pathname: `/${name}`, username: name, password: 'owner' });
  const admin = new URL(adminUrl);
  admin.pathname = `/${name}`;
  // A hosted database gives its owner this much; PostgreSQL 15 gives others nothing here.
  await onServer(admin.href, `grant all on schema public to ${name}`);
  return {
    url: url.href,
    async close() {
      await onServer(adminUrl, `drop database if exists ${name}`);
      await onServer(adminUrl, `drop role if exists ${name}`);
    },
  };
}

describe.each(openers)('row security with %s', (_name, open) => {
  let test: TestDatabase;
  let db: Database;
  let filled: FilledTables;
  let fenced: string[];

  beforeAll(async () => {
    test = await open();
    db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
    filled = await fillTables(db.pool, [OURS, THEIRS]);
    fenced = filled.tables.filter((table) => !filled.ownerless.includes(table));
  });
  afterAll(async () => {
    await db.close();
    await test.close();
  });

  it('covers every table but those that belong to nobody', async () => {
    expect(filled.ownerless.toSorted()).toEqual(Object.keys(OWNERLESS).toSorted());
    const { rows } = await db.pool.query<{ name: string }>(
      `select relname as name from pg_class c
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
         and relrowsecurity and relforcerowsecurity
         and exists (select from pg_policy where polrelid = c.oid and polname = 'workspace_fence')`,
    );
    expect(rows.map(({ name }) => name).toSorted()).toEqual(fenced.toSorted());
    expect(fenced.length).toBeGreaterThan(12);
  });

  it('shows a select without any condition the rows of its workspace, in every table', async () => {
    for (const table of fenced) {
      for (const workspaceId of [OURS, THEIRS]) {
        const { rows } = await db.tenant(workspaceId).query(`select * from ${table}`);
        expect([table, rows]).toEqual([table, [filled.rowOf(table, workspaceId)]]);
      }
      expect([table, (await db.pool.query(`select from ${table}`)).rowCount]).toEqual([table, 2]);
    }
  });

  it('lets an update and a delete without any condition touch those rows only', async () => {
    for (const table of fenced) {
      const column = Object.keys(filled.rowOf(table, OURS))[0] ?? '';
      const undone = new Error('undone');
      const counts: (number | null)[] = [];
      await db
        .tenant(OURS)
        .transaction(async (client) => {
          counts.push((await client.query(`update ${table} set ${column} = ${column}`)).rowCount);
          counts.push((await client.query(`delete from ${table}`)).rowCount);
          throw undone;
        })
        .catch((error: unknown) => {
          if (error !== undone) throw error;
        });
      expect([table, counts]).toEqual([table, [1, 1]]);
    }
  });

  it('refuses to write a row into another workspace, in every table', async () => {
    for (const table of fenced) {
      const theirs = filled.rowOf(table, THEIRS);
      const names = Object.keys(theirs);
      const copy = db.tenant(OURS).query(
        `insert into ${table} (${names.join(', ')}) overriding system value
         values (${names.map((_name, index) => `$${index + 1}`).join(', ')})`,
        Object.values(theirs).map((value) => (isPlain(value) ? JSON.stringify(value) : value)),
      );
      await expect(copy, table).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('fences a table of a later migration at the next start', async () => {
    await db.pool.query('create table later (id text primary key, workspace_id text, note text)');
    await db.pool.query(
      `insert into later values ('a', '${OURS}', 'x'), ('b', '${THEIRS}', 'x'), ('c', null, 'x')`,
    );
    const again = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
    try {
      const { rows } = await again.tenant(OURS).query('select id from later order by id');
      // What names no workspace is everybody's to read and nobody's to change.
      expect(rows.map((row) => row['id'])).toEqual(['a', 'c']);
      expect((await again.tenant(OURS).query('delete from later')).rowCount).toBe(1);
    } finally {
      await again.close();
      await db.pool.query('drop table later');
    }
  });
});

describe('a database whose user neither is bound nor may change roles', () => {
  it('is refused at the start, with what to do', async () => {
    const owned = await createOwnedDatabase();
    const { adminUrl } = inject('testDatabase');
    const user = new URL(owned.url).username;
    await onServer(adminUrl, `alter role ${user} bypassrls`);
    try {
      await expect(
        openDatabase({ url: owned.url, logger: silentLogger, clock: systemClock }),
      ).rejects.toThrow('bypasses row security');
    } finally {
      await owned.close();
    }
  });
});

function isPlain(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Date || Array.isArray(value) || Buffer.isBuffer(value))
  );
}
