import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as apiKeys from '../db/queries/api-keys.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { createApiKey } from './api-keys.ts';
import { createKeyVerifier, type KeyVerifier } from './key-verifier.ts';
import { ensureDefaultWorkspace } from './workspace-store.ts';

let test: TestDatabase;
let db: Database;
let workspaceId: string;
let clock: FakeClock;
let statements: string[];
let verifier: KeyVerifier;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
  workspaceId = (await ensureDefaultWorkspace(db, systemClock)).id;
});
afterAll(async () => {
  await db.close();
  await test.close();
});
beforeEach(() => {
  clock = new FakeClock();
  statements = [];
  const client = {
    query: (text: string, values?: unknown[]) => {
      statements.push(text);
      return db.pool.query(text, values);
    },
  };
  verifier = createKeyVerifier({ client, clock, logger: silentLogger });
});

const newKey = (expiresAt: Date | null = null) =>
  createApiKey(db.pool, systemClock, { workspaceId, name: 'test', expiresAt });

describe('the verifier of API keys', () => {
  it('asks the database once for many requests with one key', async () => {
    const { key, row } = await newKey();
    for (let n = 0; n < 5; n++) expect(await verifier.verify(key)).toMatchObject({ id: row.id });
    expect(statements.filter((text) => text.startsWith('select'))).toHaveLength(1);
    expect(statements.filter((text) => text.startsWith('update'))).toHaveLength(1);
  });

  it('refuses a key at once that was revoked here', async () => {
    const { key, row } = await newKey();
    await verifier.verify(key);
    await apiKeys.revoke(db.pool, workspaceId, row.id);
    verifier.forget();
    expect(await verifier.verify(key)).toBeNull();
  });

  it('refuses a key within a second that another node revoked', async () => {
    const { key, row } = await newKey();
    await verifier.verify(key);
    await apiKeys.revoke(db.pool, workspaceId, row.id);
    await clock.advance(1_001);
    expect(await verifier.verify(key)).toBeNull();
  });

  it('keeps no answer from before a revocation that it learned of meanwhile', async () => {
    const { key, row } = await newKey();
    const asked = verifier.verify(key);
    verifier.forget();
    await asked;
    await apiKeys.revoke(db.pool, workspaceId, row.id);
    expect(await verifier.verify(key)).toBeNull();
  });

  it('refuses a remembered key when its end comes', async () => {
    const expiresAt = new Date(systemClock.now() + 60_000);
    const { key, row } = await newKey(expiresAt);
    expect(await verifier.verify(key)).toMatchObject({ id: row.id });
    // The database's time decides what is found, ours what is remembered.
    const late = new FakeClock(expiresAt.getTime() - 500);
    const remembering = createKeyVerifier({ client: db.pool, clock: late, logger: silentLogger });
    await remembering.verify(key);
    await db.pool.query(`update api_keys set expires_at = now() - interval '1 s' where id = $1`, [
      row.id,
    ]);
    await late.advance(600);
    expect(await remembering.verify(key)).toBeNull();
  });

  it('finds a key that was unknown a moment ago, and none in nonsense', async () => {
    expect(await verifier.verify('tl_of-later')).toBeNull();
    await db.pool.query(
      `update api_keys set key_hash = sha256('tl_of-later'::bytea) where id = $1`,
      [(await newKey()).row.id],
    );
    expect(await verifier.verify('tl_of-later')).not.toBeNull();
    expect(await verifier.verify('')).toBeNull();
    expect(await verifier.verify('x'.repeat(10_000))).toBeNull();
  });

  it('notes the use of a key', async () => {
    const { key, row } = await newKey();
    await verifier.verify(key);
    await expect
      .poll(async () => (await apiKeys.get(db.pool, workspaceId, row.id))?.lastUsedAt)
      .toBeInstanceOf(Date);
  });
});
