import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../shared/ids.ts';
import { silentLogger } from '../../shared/logger.ts';
import { systemClock } from '../../shared/clock.ts';
import { openDatabase, type Database } from '../database.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import * as agents from './agents.ts';
import * as apiKeys from './api-keys.ts';
import * as gateways from './gateways.ts';
import * as numbers from './numbers.ts';
import * as rates from './rates.ts';
import * as trunks from './trunks.ts';
import * as workspaces from './workspaces.ts';

let testDatabase: TestDatabase;
let database: Database;
let pool: Pool;
let workspaceId: string;
let clockMs = 1_800_000_000_000;

/** Ids sort by time; each one here is a millisecond later. */
const id = (kind: Parameters<typeof newId>[0]): string => newId(kind, clockMs++);

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    url: testDatabase.url,
    logger: silentLogger,
    clock: systemClock,
  });
  pool = database.pool;
  const { rows } = await pool.query<{ id: string }>(
    `insert into workspaces (id, name) values ($1, 'Ours') returning id`,
    [id('ws')],
  );
  workspaceId = rows[0]?.id ?? '';
});

afterAll(async () => {
  await database.close();
  await testDatabase.close();
});

describe('workspaces', () => {
  it('finds the oldest and makes none when one exists, also when two start at once', async () => {
    const other = await createTestDatabase();
    const empty = await openDatabase({ url: other.url, logger: silentLogger, clock: systemClock });
    try {
      const made = await Promise.all(
        ['first', 'second', 'third'].map((name) =>
          empty.transaction((client) => workspaces.ensureDefault(client, { id: id('ws'), name })),
        ),
      );
      expect(new Set(made.map((row) => row.id)).size).toBe(1);
      const first = made[0]?.id ?? '';
      expect((await workspaces.listVisible(empty.pool, first)).data).toHaveLength(1);
      const { rows } = await empty.pool.query<{ n: number }>(
        'select count(*) as n from workspaces',
      );
      expect(rows).toEqual([{ n: 1 }]);
    } finally {
      await empty.close();
      await other.close();
    }
  });

  it('answers null for one that does not exist', async () => {
    expect((await workspaces.get(pool, workspaceId))?.name).toBe('Ours');
    expect(await workspaces.get(pool, 'ws_none')).toBeNull();
  });
});

describe('api keys', () => {
  it('finds a key by its hash until it is revoked', async () => {
    const keyHash = Buffer.alloc(32, 7);
    const key = await apiKeys.insert(pool, {
      id: id('key'),
      workspaceId,
      name: 'server',
      keyHash,
      prefix: 'tl_abc',
      scopes: ['read'],
    });
    expect(key.lastUsedAt).toBeNull();
    await apiKeys.touchLastUsed(pool, key.id);
    const found = await apiKeys.findByHash(pool, keyHash);
    expect(found?.id).toBe(key.id);
    expect(found?.keyHash?.equals(keyHash)).toBe(true);
    expect(found?.lastUsedAt).toBeInstanceOf(Date);
    expect(await apiKeys.revoke(pool, 'ws_other', key.id)).toBe(false);
    expect(await apiKeys.revoke(pool, workspaceId, key.id)).toBe(true);
    expect(await apiKeys.revoke(pool, workspaceId, key.id)).toBe(false);
    expect(await apiKeys.findByHash(pool, keyHash)).toBeNull();
    expect((await apiKeys.list(pool, workspaceId)).data).toHaveLength(1);
  });
});

describe('agents', () => {
  it('counts versions and refuses an update of a version that is not the newest', async () => {
    const agent = await agents.insert(pool, {
      id: id('agent'),
      workspaceId,
      config: { name: 'Ada', tools: [1, 2] },
    });
    expect(agent).toMatchObject({
      version: 1,
      config: { name: 'Ada', tools: [1, 2] },
      secrets: {},
    });
    const second = await agents.update(pool, workspaceId, agent.id, { config: { name: 'Bea' } }, 1);
    expect(second).toMatchObject({ version: 2, config: { name: 'Bea' } });
    expect(await agents.update(pool, workspaceId, agent.id, { config: {} }, 1)).toBeNull();
    expect((await agents.get(pool, workspaceId, agent.id))?.version).toBe(2);
  });

  it('hides an agent that is deleted, and agents of other workspaces', async () => {
    const agent = await agents.insert(pool, { id: id('agent'), workspaceId, config: {} });
    expect(await agents.get(pool, 'ws_other', agent.id)).toBeNull();
    expect(await agents.softDelete(pool, workspaceId, agent.id)).toBe(true);
    expect(await agents.softDelete(pool, workspaceId, agent.id)).toBe(false);
    expect(await agents.get(pool, workspaceId, agent.id)).toBeNull();
    expect(await agents.update(pool, workspaceId, agent.id, { config: {} })).toBeNull();
  });

  it('lists newest first, page by page, each exactly once', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      made.push((await agents.insert(pool, { id: id('agent'), workspaceId, config: {} })).id);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await agents.list(pool, workspaceId, { limit: 2, cursor });
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data.map((row) => row.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(seen.slice(0, 5)).toEqual(made.reverse());
    expect(new Set(seen).size).toBe(seen.length);
  });
});

describe('trunks and numbers', () => {
  it('keeps gateways in the order given and replaces them as a whole', async () => {
    const trunk = await database.transaction(async (client) => {
      const row = await trunks.insert(client, {
        id: id('trunk'),
        workspaceId,
        name: 'Main',
        codecs: ['PCMA'],
        headers: { 'X-Account': '7' },
        allowedSources: ['192.0.2.0/24'],
        authUsername: undefined,
      });
      await gateways.replace(client, row.id, [
        { host: 'b.example', port: 5060, transport: 'udp' },
        { host: 'a.example', port: 5070, transport: 'tcp' },
      ]);
      return row;
    });
    expect(trunk).toMatchObject({
      codecs: ['PCMA'],
      headers: { 'X-Account': '7' },
      authUsername: null,
      ringTimeoutMs: 60_000,
      mediaTimeouts: { first_packet_ms: 30_000, lost_ms: 60_000, hold_ms: 1_800_000 },
    });
    const full = await trunks.getWithGateways(pool, workspaceId, trunk.id);
    expect(full?.gateways.map((gateway) => [gateway.host, gateway.priority])).toEqual([
      ['b.example', 1],
      ['a.example', 2],
    ]);
    expect(full?.gateways).toEqual(await gateways.listByTrunk(pool, trunk.id));
    await gateways.replace(pool, trunk.id, [{ host: 'c.example', port: 1, transport: 'udp' }]);
    const changed = await trunks.update(pool, workspaceId, trunk.id, { name: 'Other' });
    expect(changed).toMatchObject({ name: 'Other', codecs: ['PCMA'] });
    const listed = (await trunks.list(pool, workspaceId)).data.find((row) => row.id === trunk.id);
    expect(listed?.gateways.map((gateway) => gateway.host)).toEqual(['c.example']);
  });

  it('routes a number to its trunk and agent until they are deleted', async () => {
    const trunk = await trunks.insert(pool, { id: id('trunk'), workspaceId, name: 'T' });
    const agent = await agents.insert(pool, { id: id('agent'), workspaceId, config: {} });
    const number = await numbers.insert(pool, {
      id: id('number'),
      workspaceId,
      e164: '+15005550199',
      trunkId: trunk.id,
      agentId: null,
    });
    await expect(numbers.insert(pool, { ...number, id: id('number') })).rejects.toMatchObject({
      code: '23505',
    });
    expect((await numbers.findByE164(pool, '+15005550199'))?.agent).toBeNull();
    await numbers.assign(pool, workspaceId, number.id, { agentId: agent.id });
    const route = await numbers.findByE164(pool, '+15005550199');
    expect([route?.trunk.id, route?.trunk.gateways, route?.agent?.id]).toEqual([
      trunk.id,
      [],
      agent.id,
    ]);
    expect((await trunks.findByNumber(pool, '+15005550199'))?.id).toBe(trunk.id);
    expect((await trunks.listActive(pool)).map((row) => row.id)).toContain(trunk.id);
    expect((await numbers.list(pool, workspaceId, { agentId: agent.id })).data).toHaveLength(1);
    expect((await numbers.list(pool, workspaceId, { trunkId: 'trunk_none' })).data).toEqual([]);
    await trunks.softDelete(pool, workspaceId, trunk.id);
    expect(await numbers.findByE164(pool, '+15005550199')).toBeNull();
    expect((await trunks.listActive(pool)).map((row) => row.id)).not.toContain(trunk.id);
    expect(await numbers.remove(pool, 'ws_other', number.id)).toBe(false);
    expect(await numbers.remove(pool, workspaceId, number.id)).toBe(true);
    expect(await numbers.get(pool, workspaceId, number.id)).toBeNull();
  });

  it('refuses a field that is not a column, so no key of an object becomes SQL', async () => {
    const hostile = { 'name = name, workspace_id': 'x' } as trunks.TrunkPatch;
    await expect(trunks.update(pool, workspaceId, 'trunk_x', hostile)).rejects.toThrow(
      'expected a known field',
    );
  });
});

describe('rates', () => {
  it('sets a price and changes it, as a number', async () => {
    const rate = { kind: 'network', provider: 'sandbox', unit: 'minute' } as const;
    await rates.upsert(pool, { ...rate, microsPerUnit: 9_000 });
    await rates.upsert(pool, { ...rate, microsPerUnit: 12_000 });
    expect(await rates.all(pool)).toMatchObject([{ ...rate, microsPerUnit: 12_000 }]);
  });
});
