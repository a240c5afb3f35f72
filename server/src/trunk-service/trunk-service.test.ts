import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrunkCallRecord, TrunkSide } from '../carrier/trunk-protocol.ts';
import { WEEKDAYS } from '../compliance/data/calling-windows.ts';
import { addDoNotCall } from '../compliance/do-not-call.ts';
import { createGuardrails, type Guardrails } from '../compliance/guardrails.ts';
import { changeSettings } from '../compliance/settings-store.ts';
import { openDatabase, type Database } from '../db/database.ts';
import * as zentrunkCalls from '../db/queries/zentrunk-calls.ts';
import * as zentrunkNumbers from '../db/queries/zentrunk-numbers.ts';
import { findFullLimit } from '../calls/limits.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock as clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import { createNumberStore, type NumberStore } from '../trunks/number-store.ts';
import { createTrunkStore, type TrunkStore } from '../trunks/trunk-store.ts';
import { createSecrets, type Secrets } from '../workspaces/secrets.ts';
import { ensureDefaultWorkspace } from '../workspaces/workspace-store.ts';
import { createTrunkService, type TrunkService } from './trunk-service.ts';
import { createZentrunkStore, type ZentrunkStore } from './zentrunk-store.ts';

const DOMAIN = 'carrier.test';
const FROM = '+14155550101';
const LOGIN = { username: 'agents2026', password: 'Secret#2026' };

let test: TestDatabase;
let db: Database;
let secrets: Secrets;
let store: ZentrunkStore;
let service: TrunkService;
let guardrails: Guardrails;
let trunks: TrunkStore;
let numbers: NumberStore;
let ours: string;
let theirs: string;
/** A real carrier of ours, with the number FROM. */
let nativeTrunkId: string;
let nextNumber = 200;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger, clock });
  secrets = createSecrets([randomBytes(32)]);
  ours = (await ensureDefaultWorkspace(db, clock)).id;
  theirs = newId('ws', clock.now());
  await db.pool.query(`insert into workspaces (id, name) values ($1, 'Other')`, [theirs]);
  store = createZentrunkStore({ db, secrets });
  trunks = createTrunkStore({ db, secrets, clock });
  numbers = createNumberStore({ db, clock });
  guardrails = createGuardrails({ clock });
  service = createTrunkService({
    db,
    secrets,
    guardrails,
    domain: DOMAIN,
    localHost: '198.51.100.9',
    clock,
    logger,
  });
  const native = await trunks.create(ours, {
    name: 'carrier',
    authUsername: 'acme',
    authPassword: 'deep-secret',
    callsPerSecond: null,
    gateways: [
      { host: '192.0.2.20', port: 5060, transport: 'udp' },
      { host: '192.0.2.21', port: 5061, transport: 'tls' },
    ],
  });
  nativeTrunkId = native.id;
  await numbers.add(ours, { e164: FROM, trunkId: nativeTrunkId, agentId: null });
  // The tests run at any hour.
  await settings({ calling_windows: { enabled: false } });
});
afterAll(async () => {
  service.close();
  await db.close();
  await test.close();
});

/** Changes guardrails of ours. */
async function settings(patch: Record<string, unknown>): Promise<void> {
  await db.transaction((client) => changeSettings(client, ours, patch));
}

async function outbound(workspaceId = ours): Promise<TrunkSide> {
  const { id: credentialUuid } = await store.createCredential(workspaceId, LOGIN);
  const row = await store.createTrunk(workspaceId, { direction: 'outbound', credentialUuid });
  return { trunkId: row.id, workspaceId, direction: 'outbound', secure: false };
}

/** A new number of ours that an inbound trunk with these URIs has. */
async function inboundNumber(
  uris: Parameters<ZentrunkStore['createUri']>[1][],
  trunk: { secure?: boolean; enabled?: boolean } = {},
): Promise<{ e164: string; trunkId: string }> {
  const rows = [];
  for (const uri of uris) rows.push(await store.createUri(ours, uri));
  const { id } = await store.createTrunk(ours, {
    direction: 'inbound',
    primaryUriUuid: rows[0]?.id,
    fallbackUriUuid: rows[1]?.id ?? null,
    ...trunk,
  });
  const e164 = `+14155550${nextNumber++}`;
  const number = await numbers.add(ours, { e164, trunkId: nativeTrunkId, agentId: null });
  await zentrunkNumbers.route(db.pool, ours, number.id, id);
  return { e164, trunkId: id };
}

const question = { trunkIds: [], username: null, address: '203.0.113.5' };

describe('who signs in', () => {
  it('is found by a trunk’s id with the credential opened', async () => {
    const { trunkId } = await outbound();
    expect(await service.signIn({ ...question, trunkIds: [trunkId] })).toEqual({
      locked: false,
      named: true,
      trunks: [
        {
          trunkId,
          workspaceId: ours,
          direction: 'outbound',
          enabled: true,
          secure: false,
          credential: LOGIN,
          addressAllowed: null,
          broken: false,
        },
      ],
    });
    const unknown = await service.signIn({ ...question, trunkIds: ['999999999999999'] });
    expect(unknown).toEqual({ locked: false, named: true, trunks: [] });
  });

  it('is found by a user name in every account that has it', async () => {
    const mine = await outbound();
    const other = await outbound(theirs);
    const found = await service.signIn({ ...question, username: LOGIN.username });
    const ids = found.trunks.map(({ trunkId }) => trunkId);
    expect(ids).toEqual(expect.arrayContaining([mine.trunkId, other.trunkId]));
    expect((await service.signIn({ ...question, username: 'nobody' })).trunks).toEqual([]);
  });

  it('is found by an address on the list of a trunk that asks for no password', async () => {
    const acl = await store.createIpAcl(ours, { ipAddresses: ['203.0.113.0/28', '2001:db8::/32'] });
    const { id } = await store.createTrunk(ours, { direction: 'outbound', ipaclUuid: acl.id });
    for (const address of ['203.0.113.5', '2001:db8::7']) {
      const { trunks: found } = await service.signIn({ ...question, address });
      expect(found).toMatchObject([{ trunkId: id, addressAllowed: true, credential: null }]);
    }
    const far = { ...question, address: '203.0.113.99' };
    expect((await service.signIn(far)).trunks).toEqual([]);
    const named = await service.signIn({ ...far, trunkIds: [id] });
    expect(named.trunks).toMatchObject([{ addressAllowed: false }]);
  });

  it('is let in by nothing that was deleted', async () => {
    const { id } = await store.createCredential(ours, LOGIN);
    const trunk = await store.createTrunk(ours, { direction: 'outbound', credentialUuid: id });
    await db.pool.query('delete from zentrunk_credentials where id = $1', [id]);
    const { trunks: found } = await service.signIn({ ...question, trunkIds: [trunk.id] });
    expect(found).toMatchObject([{ credential: null, broken: true }]);
  });

  it('is let in by no account that was deleted', async () => {
    const gone = newId('ws', clock.now());
    await db.pool.query(`insert into workspaces (id, name) values ($1, 'Gone')`, [gone]);
    const { trunkId } = await outbound(gone);
    const asked = { ...question, trunkIds: [trunkId] };
    expect((await service.signIn(asked)).trunks).toHaveLength(1);
    await db.pool.query('update workspaces set deleted_at = now() where id = $1', [gone]);
    expect((await service.signIn(asked)).trunks).toEqual([]);
  });

  it('is locked out after wrong passwords, and forgiven after a right one', async () => {
    const address = '203.0.113.77';
    for (let n = 0; n < 4; n++) service.signedIn({ address, ok: false });
    service.signedIn({ address, ok: true });
    service.signedIn({ address, ok: false });
    expect((await service.signIn({ ...question, address })).locked).toBe(false);
    for (let n = 0; n < 4; n++) service.signedIn({ address, ok: false });
    expect((await service.signIn({ ...question, address })).locked).toBe(true);
  });
});

describe('a call of an outbound trunk', () => {
  it('needs a number of the account as caller ID', async () => {
    const trunk = await outbound();
    const call = { trunk, to: '+14155550150' };
    expect(await service.routeOutbound({ ...call, from: '+14155550999' })).toMatchObject({
      ok: false,
      status: 403,
      hangup: { code: 4190, name: 'unknown_caller_id' },
    });
    const stolen = { ...call, trunk: await outbound(theirs), from: FROM };
    expect(await service.routeOutbound(stolen)).toMatchObject({ hangup: { code: 4190 } });
  });

  it('goes to the carrier of the caller’s number, with its login and its gateways in turn', async () => {
    const route = await service.routeOutbound({
      trunk: await outbound(),
      from: FROM,
      to: '+14155550150',
    });
    expect(route).toMatchObject({
      ok: true,
      inbound: null,
      encryption: 'none',
      targets: [
        {
          kind: 'remote',
          requestUri: 'sip:+14155550150@192.0.2.20:5060',
          nextHop: { host: '192.0.2.20', port: 5060, transport: 'udp' },
          from: `sip:${FROM}@198.51.100.9`,
          credentials: { username: 'acme', password: 'deep-secret' },
        },
        { nextHop: { host: '192.0.2.21', port: 5061, transport: 'tls' } },
      ],
    });
  });

  it.each([
    ['a country that is not allowed', '+5352345678', 4560],
    ['an emergency number', '+1911', 4570],
  ])('to %s is barred before anything is dialled', async (_what, to, code) => {
    const route = await service.routeOutbound({ trunk: await outbound(), from: FROM, to });
    expect(route).toMatchObject({ ok: false, status: 403, hangup: { code } });
  });

  it('goes to the phones for test numbers, and from them', async () => {
    const trunk = await outbound();
    for (const call of [
      { from: FROM, to: '+15005550101' },
      { from: '+15005550199', to: '+14155550150' },
    ]) {
      const route = await service.routeOutbound({ trunk, ...call });
      expect(route).toMatchObject({ ok: true, targets: [{ kind: 'phone' }] });
    }
  });

  it('to a number on an inbound trunk goes straight there', async () => {
    const { e164, trunkId } = await inboundNumber([{ uri: '192.0.2.30' }]);
    const call = { trunk: await outbound(theirs), from: '+15005550199', to: e164 };
    expect(await service.routeOutbound(call)).toMatchObject({
      ok: true,
      inbound: { trunkId, workspaceId: ours, direction: 'inbound' },
      targets: [{ nextHop: { host: '192.0.2.30', port: 5060, transport: 'udp' } }],
    });
  });
});

describe('a call of an outbound trunk over a real carrier', () => {
  let next = 300;
  const fresh = (): string => `+12125550${next++}`;

  function routed(to: string): ReturnType<TrunkService['routeOutbound']> {
    return outbound().then((trunk) => service.routeOutbound({ trunk, from: FROM, to }));
  }

  /** A call that went out and ended so. */
  async function ended(
    to: string,
    end: Pick<TrunkCallRecord, 'hangup'> & Partial<TrunkCallRecord>,
  ): Promise<void> {
    const route = await routed(to);
    if (!route.ok || route.attemptId === undefined) throw new Error('the call was refused');
    const nowMs = clock.now();
    await service.record({
      id: crypto.randomUUID(),
      side: await outbound(),
      sipCallId: 'x@y',
      from: FROM,
      to,
      initiatedMs: nowMs,
      answeredMs: null,
      endedMs: nowMs,
      transport: 'udp',
      srtp: false,
      postDialDelayMs: null,
      media: null,
      attemptId: route.attemptId,
      ...end,
    });
  }

  const BUSY = { hangup: { code: 4410, name: 'user_busy', source: 'carrier' } } as const;
  const LOST = { hangup: { code: 5350, name: 'lost', source: 'carrier' } } as const;

  it('keeps to the hours of the callee (G20), and says when to come back', async () => {
    const day = WEEKDAYS[(new Date(clock.now()).getUTCDay() + 2) % 7] ?? 'mon';
    const window = [{ days: [day], from: '10:00', to: '11:00' }];
    const countries = { US: window };
    await settings({ calling_windows: { enabled: true, countries } });
    const route = await routed(fresh());
    await settings({ calling_windows: { enabled: false } });
    expect(route).toMatchObject({
      ok: false,
      status: 480,
      hangup: { code: 4540 },
      guardrail: 'G20',
      retryAfterS: expect.any(Number),
    });
  });

  it('asks for a consent where one is demanded (G22)', async () => {
    await settings({ consent: { required_for: ['service'] } });
    const route = await routed(fresh());
    await settings({ consent: null });
    expect(route).toMatchObject({ ok: false, status: 403, guardrail: 'G22' });
  });

  it('leaves alone who wants no calls (G21)', async () => {
    const number = fresh();
    await db.transaction((client) =>
      addDoNotCall(client, {
        workspaceId: ours,
        number,
        source: 'api',
        at: new Date(clock.now()),
      }),
    );
    expect(await routed(number)).toMatchObject({ hangup: { code: 4570 }, guardrail: 'G21' });
  });

  it('calls a busy number again after its pause only (G23), whatever door asks', async () => {
    const to = fresh();
    await ended(to, BUSY);
    expect(await routed(to)).toMatchObject({
      ok: false,
      status: 480,
      guardrail: 'G23',
      retryAfterS: expect.any(Number),
    });
    const asked = { workspaceId: ours, from: FROM, to, agentId: null };
    const trunk = { id: nativeTrunkId, sandbox: false };
    const found = await guardrails.explain(db.pool, { ...asked, trunk, stage: 'dial' });
    expect(found.map(({ rule }) => rule)).toEqual(['G23']);
  });

  it('does not count what the carrier lost before it rang', async () => {
    const to = fresh();
    await ended(to, LOST);
    await ended(to, LOST);
    expect(await routed(to)).toMatchObject({ ok: true });
  });

  it('is the only one to a number while it lasts (G05)', async () => {
    const to = fresh();
    const first = await routed(to);
    expect(await routed(to)).toMatchObject({
      ok: false,
      status: 480,
      hangup: { code: 5190 },
      guardrail: 'G05',
      retryAfterS: 60,
    });
    if (!first.ok) throw new Error('the first call was refused');
    await service.abandon({ attemptId: first.attemptId ?? '' });
    expect(await routed(to)).toMatchObject({ ok: true });
  });

  it('passes once where two come at the same moment', async () => {
    const to = fresh();
    const routes = await Promise.all([routed(to), routed(to), routed(to)]);
    expect(routes.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('does not stand in the way for longer than its process lives', async () => {
    const to = fresh();
    await routed(to);
    await db.pool.query(
      `update zentrunk_attempts set seen_at = now() - interval '2 minutes' where to_number = $1`,
      [to],
    );
    expect(await routed(to)).toMatchObject({ ok: true });
  });

  it('takes a place among the calls at once of workspace and trunk, as calls of agents do', async () => {
    await settings({ concurrency: { trunk: 0 } });
    const full = await routed(fresh());
    await settings({ concurrency: null });
    expect(full).toMatchObject({ status: 503, hangup: { code: 5190 }, guardrail: 'G05' });

    expect(await routed(fresh())).toMatchObject({ ok: true });
    const scope = { workspaceId: ours, trunkId: nativeTrunkId, agentId: null };
    const limits = { workspace: null, trunk: 1, agent: null };
    const found = await db.transaction((client) => findFullLimit(client, scope, limits, 'dial'));
    expect(found).toMatchObject({ scope: 'trunk', limit: 1 });
    await trunks.update(ours, nativeTrunkId, { maxConcurrentCalls: 1 });
    const limited = await routed(fresh());
    await trunks.update(ours, nativeTrunkId, { maxConcurrentCalls: null });
    expect(limited).toMatchObject({ status: 503, hangup: { code: 5190 }, retryAfterS: 2 });
  });

  it('keeps the pace of the workspace (G06), and keeps no place for one that is sent away', async () => {
    await settings({ pace: { workspace_calls_per_second: 0.1 } });
    const routes = [await routed(fresh()), await routed(fresh()), await routed(fresh())];
    await settings({ pace: null });
    expect(routes).toMatchObject([
      { ok: true },
      { ok: false, status: 503, hangup: { code: 5180 }, guardrail: 'G06' },
      { ok: false, guardrail: 'G06' },
    ]);
    for (const route of routes.slice(1)) {
      expect(route.ok ? 0 : route.retryAfterS).toBeLessThanOrEqual(10);
    }
  });

  it('waits for the turn of its trunk, or is told to come back, and counts as no attempt then', async () => {
    await trunks.update(ours, nativeTrunkId, { callsPerSecond: 0.1 });
    const to = fresh();
    const first = await routed(fresh());
    const second = await routed(to);
    await trunks.update(ours, nativeTrunkId, { callsPerSecond: null });
    expect(first).toMatchObject({ ok: true });
    expect(second).toMatchObject({ status: 503, hangup: { code: 5180 }, guardrail: 'G06' });
    expect(await routed(to)).toMatchObject({ ok: true });
  });
});

describe('a call of an outbound trunk over the sandbox', () => {
  it('keeps to the countries of the sandbox', async () => {
    const trunk = await outbound();
    const from = '+15005550199';
    expect(await service.routeOutbound({ trunk, from, to: '+5352123456' })).toMatchObject({
      ok: false,
      status: 403,
      hangup: { code: 4560 },
      guardrail: 'G01',
    });
    for (const to of ['+442079460958', '+442079460958', '+15005550102', '+15005550102']) {
      const route = await service.routeOutbound({ trunk, from, to });
      expect(route).toMatchObject({ ok: true, targets: [{ kind: 'phone' }] });
    }
  });

  it('leaves alone who wants no calls', async () => {
    const number = '+15005550777';
    await db.transaction((client) =>
      addDoNotCall(client, {
        workspaceId: ours,
        number,
        source: 'api',
        at: new Date(clock.now()),
      }),
    );
    const call = { trunk: await outbound(), from: FROM, to: number };
    expect(await service.routeOutbound(call)).toMatchObject({ ok: false, guardrail: 'G21' });
  });
});

describe('a call to a number', () => {
  it('goes to the first URI, then to the second, with the login that it asks for', async () => {
    const { e164, trunkId } = await inboundNumber([
      { uri: 'sip.example.com:5070' },
      {
        uri: 'sip:agent@b.example;transport=tcp',
        authenticationNeeded: true,
        username: 'u',
        password: 'p w',
      },
    ]);
    const domain = `${trunkId}.${DOMAIN}`;
    expect(await service.routeInbound({ from: '+442079460958', to: e164 })).toMatchObject({
      ok: true,
      encryption: 'none',
      targets: [
        {
          requestUri: `sip:${e164}@sip.example.com:5070`,
          from: `sip:+442079460958@${domain}`,
          to: `sip:${e164}@${domain}`,
          credentials: null,
        },
        {
          requestUri: 'sip:agent@b.example;transport=tcp',
          nextHop: { host: 'b.example', port: 5060, transport: 'tcp' },
          credentials: { username: 'u', password: 'p w' },
        },
      ],
    });
  });

  it.each([
    ['is switched off', { enabled: false }, 480, 4330],
    ['is secure and its URI is not', { secure: true }, 403, 4110],
  ])('whose trunk %s is refused, with a record for it', async (_what, trunk, status, code) => {
    const { e164, trunkId } = await inboundNumber([{ uri: 'a.example' }], trunk);
    expect(await service.routeInbound({ from: FROM, to: e164 })).toMatchObject({
      ok: false,
      status,
      hangup: { code },
      inbound: { trunkId },
    });
  });

  it('is encrypted where trunk and URI are secure', async () => {
    const { e164 } = await inboundNumber([{ uri: 'a.example;transport=tls' }], { secure: true });
    const route = await service.routeInbound({ from: FROM, to: e164 });
    expect(route).toMatchObject({ ok: true, encryption: 'required' });
  });

  it('that no inbound trunk has is nobody’s', async () => {
    expect(await service.routeInbound({ from: FROM, to: '+14155550999' })).toBeNull();
    expect(await service.routeInbound({ from: '+15005550101', to: FROM })).toBeNull();
  });

  it('comes from the number’s own carrier or not at all', async () => {
    const { e164 } = await inboundNumber([{ uri: 'a.example' }]);
    expect(await service.isUpstream({ to: e164, address: '192.0.2.20' })).toBe(true);
    expect(await service.isUpstream({ to: e164, address: '192.0.2.99' })).toBe(false);
    expect(await service.isUpstream({ to: FROM, address: '192.0.2.20' })).toBe(false);
  });
});

describe('the record of a call', () => {
  it('is kept for its account, with countries and the seconds that count', async () => {
    const side = await outbound();
    const endedMs = clock.now();
    const record: TrunkCallRecord = {
      id: crypto.randomUUID(),
      side,
      sipCallId: 'x@y',
      from: FROM,
      to: '+442079460958',
      initiatedMs: endedMs - 9_000,
      answeredMs: endedMs - 4_100,
      endedMs,
      hangup: { code: 3000, name: 'normal_hangup', source: 'carrier' },
      transport: 'tcp',
      srtp: false,
      postDialDelayMs: 300,
      media: { from: { packets: 10, lost: 0, jitterMs: 1, rttMs: null }, to: null },
    };
    await service.record(record);
    await service.record(record);
    expect(await zentrunkCalls.get(db.pool, ours, record.id)).toMatchObject({
      trunkDomain: `${side.trunkId}.${DOMAIN}`,
      fromCountry: 'US',
      toCountry: 'GB',
      billDurationS: 5,
      hangupCode: 3000,
      media: { from: { packets: 10 }, to: null },
    });
    expect(await zentrunkCalls.get(db.pool, theirs, record.id)).toBeNull();
  });
});
