import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as health from '../db/queries/trunk-health.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { makeResponse } from '../sip/make-response.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import type { UserAgent } from '../sip/user-agent.ts';
import { createSecrets, type Secrets } from '../workspaces/secrets.ts';
import { ensureDefaultWorkspace } from '../workspaces/workspace-store.ts';
import { createTrunkStore, type TrunkStore } from './trunk-store.ts';
import { startTrunkWatcher, type TrunkWatcher } from './trunk-watcher.ts';

let test: TestDatabase;
let db: Database;
let secrets: Secrets;
let store: TrunkStore;
let workspaceId: string;
let clock: FakeClock;
let watcher: TrunkWatcher | null = null;
let carrier: FakeCarrier;

/** Answers what a user agent sends, at once or never. */
class FakeCarrier {
  readonly port = 5060;
  readonly tlsPort = 5061;
  readonly requests: Parameters<UserAgent['request']>[0][] = [];
  /** Null: never. */
  answer: (request: Parameters<UserAgent['request']>[0]) => Partial<SipResponse> | null = () => ({
    status: 200,
  });

  readonly request: UserAgent['request'] = (options) => {
    this.requests.push(options);
    options.nextCseq?.();
    const given = this.answer(options);
    if (!given) return new Promise(() => undefined);
    const request: SipRequest = {
      kind: 'request',
      method: options.method,
      uri: options.requestUri,
      headers: [{ name: 'To', value: `<${options.to}>` }],
      body: '',
    };
    return Promise.resolve(
      makeResponse(request, given.status ?? 200, {
        toTag: 'there',
        headers: given.headers ?? [],
        ...(given.reason !== undefined && { reason: given.reason }),
      }),
    );
  };
}

beforeEach(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger, clock: systemClock });
  secrets = createSecrets([randomBytes(32)]);
  workspaceId = (await ensureDefaultWorkspace(db, systemClock)).id;
  store = createTrunkStore({ db, secrets, clock: systemClock });
  clock = new FakeClock();
  carrier = new FakeCarrier();
});
afterEach(async () => {
  await watcher?.close();
  watcher = null;
  await db.close();
  await test.close();
});

async function start(): Promise<void> {
  watcher = await startTrunkWatcher({
    db,
    ua: carrier,
    secrets,
    clock,
    logger,
    advertisedHost: '203.0.113.9',
    random: () => 0.5,
  });
}

const gateways = [{ host: 'registrar.example', port: 5060, transport: 'udp' as const }];

async function until<T>(read: () => Promise<T | null>, isDone: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (value !== null && isDone(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a trunk of auth_type registration', () => {
  it('T34 is registered, refreshed and taken away again', async () => {
    const trunk = await store.create(workspaceId, {
      name: 'reg',
      authType: 'registration',
      authUsername: 'alice',
      authPassword: 's3cret',
      qualifyFrequencyS: 0,
      gateways,
    });
    carrier.answer = () => ({
      status: 200,
      headers: [{ name: 'Contact', value: '<sip:alice@203.0.113.9:5060>;expires=60' }],
    });
    await start();
    const read = (): Promise<health.RegistrationRow | null> =>
      health.registrationOf(db.pool, workspaceId, trunk.id);
    const row = await until(read, ({ state }) => state === 'registered');
    expect(row.expiresAt?.getTime()).toBe(clock.now() + 60_000);
    expect(carrier.requests[0]).toMatchObject({
      method: 'REGISTER',
      requestUri: 'sip:registrar.example:5060',
      from: 'sip:alice@registrar.example',
      credentials: { username: 'alice', password: 's3cret' },
      headers: [
        { name: 'Contact', value: '<sip:alice@203.0.113.9:5060>' },
        { name: 'Expires', value: '3600' },
      ],
    });
    await clock.advance(51_000);
    expect(carrier.requests).toHaveLength(2);
    expect(carrier.requests[1]?.callId).toBe(carrier.requests[0]?.callId);
    await store.update(workspaceId, trunk.id, { active: false });
    await watcher?.refresh();
    expect(carrier.requests.at(-1)?.headers).toContainEqual({ name: 'Expires', value: '0' });
    await until(read, ({ state }) => state === 'stopped');
  });

  it('T34 that is refused says so, and does not hammer', async () => {
    const trunk = await store.create(workspaceId, {
      name: 'reg',
      authType: 'registration',
      authUsername: 'alice',
      authPassword: 'wrong',
      qualifyFrequencyS: 0,
      gateways,
    });
    carrier.answer = () => ({ status: 403, reason: 'Forbidden' });
    await start();
    const row = await until(
      () => health.registrationOf(db.pool, workspaceId, trunk.id),
      ({ state }) => state === 'rejected',
    );
    expect(row).toMatchObject({ sipCode: 403, sipReason: 'Forbidden', expiresAt: null });
    await clock.advance(59_000);
    expect(carrier.requests).toHaveLength(1);
  });
});

describe('a gateway', () => {
  it('T33 is asked by OPTIONS: three misses are down, one answer is up', async () => {
    const trunk = await store.create(workspaceId, { name: 't', qualifyFrequencyS: 30, gateways });
    await start();
    const state = async (wanted: string): Promise<health.GatewayHealthRow> => {
      for (;;) {
        const [row] = await health.gatewaysOf(db.pool, workspaceId, trunk.id);
        if (row?.state === wanted) return row;
        await clock.advance(5_000);
      }
    };
    expect(await state('up')).toMatchObject({
      gateway: 'registrar.example:5060;udp',
      sipCode: 200,
      misses: 0,
    });
    carrier.answer = () => null;
    await state('degraded');
    const down = await state('down');
    expect(down.sipCode).toBeNull();
    expect(down.misses).toBeGreaterThanOrEqual(3);
    carrier.answer = () => ({ status: 404 });
    expect(await state('up')).toMatchObject({ sipCode: 404, misses: 0 });
    expect(carrier.requests.every(({ method }) => method === 'OPTIONS')).toBe(true);
  });

  it('of the sandbox, or of a trunk that wants none, is not asked', async () => {
    await store.create(workspaceId, { name: 'quiet', qualifyFrequencyS: 0, gateways });
    await store.create(workspaceId, { name: 'sand', sandbox: true, gateways });
    await start();
    await clock.advance(120_000);
    expect(carrier.requests).toEqual([]);
  });
});
