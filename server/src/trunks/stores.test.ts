import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as agents from '../db/queries/agents.ts';
import * as apiKeys from '../db/queries/api-keys.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock as clock } from '../shared/clock.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import { createApiKey, ensureBootstrapKey } from '../workspaces/api-keys.ts';
import { createKeyVerifier } from '../workspaces/key-verifier.ts';
import { createSecrets, type Secrets } from '../workspaces/secrets.ts';
import { ensureDefaultWorkspace } from '../workspaces/workspace-store.ts';
import { createNumberStore } from './number-store.ts';
import { ensureSandboxTrunk, SANDBOX_NUMBER } from './sandbox-trunk.ts';
import { checkCallHeaders, createTrunkStore, type TrunkInput } from './trunk-store.ts';

let test: TestDatabase;
let db: Database;
let secrets: Secrets;
let workspaceId: string;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger, clock });
  secrets = createSecrets([randomBytes(32)]);
  workspaceId = (await ensureDefaultWorkspace(db, clock)).id;
});
afterAll(async () => {
  await db.close();
  await test.close();
});

describe('the default workspace', () => {
  it('is made once', async () => {
    expect((await ensureDefaultWorkspace(db, clock)).id).toBe(workspaceId);
  });
});

const verifyKey = (key: string): Promise<{ id: string } | null> =>
  createKeyVerifier({ client: db.pool, clock, logger: logger }).verify(key);

describe('API keys', () => {
  it('are verified until they are revoked, and stored as a hash only', async () => {
    const { key, row } = await createApiKey(db.pool, clock, { workspaceId, name: 'test' });
    expect(key).toMatch(/^tl_[0-9a-f]{64}$/);
    expect(await verifyKey(key)).toMatchObject({ id: row.id, workspaceId });
    expect(await verifyKey(`${key}0`)).toBeNull();
    expect(await verifyKey('')).toBeNull();
    expect(await verifyKey('x'.repeat(10_000))).toBeNull();
    const { rows } = await db.pool.query('select * from api_keys');
    expect(JSON.stringify(rows)).not.toContain(key);
    expect(await apiKeys.revoke(db.pool, workspaceId, row.id)).toBe(true);
    expect(await verifyKey(key)).toBeNull();
    expect(await apiKeys.revoke(db.pool, workspaceId, row.id)).toBe(false);
  });

  it('begin with one that is made once, or with the one of the setting', async () => {
    const made = await ensureBootstrapKey(db.pool, clock, { workspaceId, key: null });
    expect(await verifyKey(made ?? '')).toMatchObject({ name: 'bootstrap' });
    expect(await ensureBootstrapKey(db.pool, clock, { workspaceId, key: null })).toBeNull();
    for (let start = 0; start < 2; start++) {
      expect(await ensureBootstrapKey(db.pool, clock, { workspaceId, key: 'own' })).toBeNull();
      expect(await verifyKey('own')).toMatchObject({ workspaceId });
    }
  });
});

describe('trunks', () => {
  it('seal the password and never show it', async () => {
    const store = createTrunkStore({ db, secrets, clock });
    const trunk = await store.create(workspaceId, {
      name: 'carrier',
      authUsername: 'user',
      authPassword: 'hunter2',
      gateways: [
        { host: 'one.example', port: 5060, transport: 'udp' },
        { host: 'two.example', port: 5061, transport: 'tcp' },
      ],
    });
    expect(trunk).toMatchObject({ hasPassword: true, authUsername: 'user' });
    expect(trunk.gateways.map((gateway) => gateway.host)).toEqual(['one.example', 'two.example']);
    const shown = [trunk, await store.get(workspaceId, trunk.id), await store.list(workspaceId)];
    expect(JSON.stringify(shown)).not.toMatch(/hunter2|sealed/i);
    const { rows } = await db.pool.query('select * from trunks where id = $1', [trunk.id]);
    expect(JSON.stringify(rows)).not.toContain('hunter2');
    const [row] = rows as { auth_password_sealed: string }[];
    expect(
      secrets.open({ workspaceId, table: 'trunks', id: trunk.id }, row?.auth_password_sealed ?? ''),
    ).toBe('hunter2');
    expect(await store.update(workspaceId, trunk.id, { authPassword: null })).toMatchObject({
      hasPassword: false,
    });
    expect(await store.get('ws_other', trunk.id)).toBeNull();
    expect(await store.update('ws_other', trunk.id, { name: 'mine' })).toBeNull();
    expect(await store.remove(workspaceId, trunk.id)).toEqual({ numbers: 0 });
    expect(await store.get(workspaceId, trunk.id)).toBeNull();
    expect(await store.remove(workspaceId, trunk.id)).toBeNull();
  });

  it('free their numbers when they are deleted', async () => {
    const store = createTrunkStore({ db, secrets, clock });
    const numbers = createNumberStore({ db, clock });
    const [one, two] = [
      await store.create(workspaceId, { name: 'one' }),
      await store.create(workspaceId, { name: 'two' }),
    ];
    const number = { e164: '+14155550177', agentId: null };
    await numbers.add(workspaceId, { ...number, trunkId: one.id, inboundTrunkId: two.id });
    expect(await store.remove(workspaceId, two.id)).toEqual({ numbers: 0 });
    expect(await numbers.find(workspaceId, number.e164)).toMatchObject({ inboundTrunkId: null });
    expect(await store.remove(workspaceId, one.id)).toEqual({ numbers: 1 });
    const again = await store.create(workspaceId, { name: 'again' });
    expect(await numbers.add(workspaceId, { ...number, trunkId: again.id })).toMatchObject({
      trunkId: again.id,
    });
    expect(await numbers.find('ws_other', number.e164)).toBeNull();
  });

  it('begin with what the profile of their carrier says', async () => {
    const store = createTrunkStore({ db, secrets, clock });
    expect(await store.create(workspaceId, { name: 'x', provider: 'Exotel' })).toMatchObject({
      codecs: ['PCMA', 'PCMU'],
      callerIdHeader: 'from',
      authType: 'none',
    });
    expect(
      await store.create(workspaceId, { name: 'x', provider: 'exotel', codecs: ['PCMU'] }),
    ).toMatchObject({ codecs: ['PCMU'] });
  });

  it('become userpass by a password and nothing by its removal, and refuse half a sign-in', async () => {
    const store = createTrunkStore({ db, secrets, clock });
    const trunk = await store.create(workspaceId, { name: 'x' });
    const update = (input: TrunkInput): Promise<unknown> =>
      store.update(workspaceId, trunk.id, input);
    await expect(update({ authType: 'userpass', authUsername: 'u' })).rejects.toThrow(
      'auth_type userpass needs auth_username and auth_password',
    );
    expect(await update({ authUsername: 'u', authPassword: 'p' })).toMatchObject({
      authType: 'userpass',
    });
    expect(await update({ authType: 'registration' })).toMatchObject({ authType: 'registration' });
    await expect(update({ provider: 'plivo' })).rejects.toThrow('knows no registration');
    expect(await update({ authType: 'none', authPassword: null })).toMatchObject({
      authType: 'none',
      hasPassword: false,
    });
    await expect(update({ directMedia: true })).rejects.toThrow('direct_media cannot be on');
    const udp = { host: 'gw.example', port: 5060, transport: 'udp' as const };
    await expect(update({ mediaEncryption: 'required', gateways: [udp] })).rejects.toThrow(
      'media_encryption required needs transport tls',
    );
    const tls = { ...udp, port: 5061, transport: 'tls' as const };
    expect(await update({ mediaEncryption: 'required', gateways: [tls] })).toMatchObject({
      mediaEncryption: 'required',
    });
    await expect(update({ gateways: [udp] })).rejects.toThrow('needs transport tls');
  });

  it('seal what callers must prove apart from what we prove', async () => {
    const store = createTrunkStore({ db, secrets, clock });
    const trunk = await store.create(workspaceId, {
      name: 'x',
      inboundAuthUsername: 'peer',
      inboundAuthPassword: 'letmein',
    });
    expect(trunk).toMatchObject({ hasPassword: false, hasInboundPassword: true });
    expect(JSON.stringify(trunk)).not.toContain('letmein');
  });

  it.each<[string, TrunkInput]>([
    ['name', { name: ' ' }],
    ['codecs', { codecs: ['G729'] }],
    ['codecs', { codecs: [] }],
    ['allowed_sources', { allowedSources: ['everywhere'] }],
    ['headers', { headers: { 'X-A': 'b\r\nVia: c' } }],
    ['headers', { headers: { Contact: '<sip:x@y>' } }],
    ['headers', { headers: { 'X A': 'b' } }],
    ['headers', { headers: { Require: 'nothing-we-know' } }],
    ['headers', { headers: { 'X-A': 'b\u0007' } }],
    ['from_domain', { fromDomain: 'a>;tag=evil;x=<b' }],
    ['from_domain', { fromDomain: 'a.example\r\nX-Evil: 1' }],
    ['from_domain', { fromDomain: 'a.example;tag=x' }],
    ['from_domain', { fromDomain: 'user@a.example' }],
    ['from_domain', { fromDomain: 'a..example' }],
    ['from_domain', { fromDomain: '' }],
    ['from_domain', { fromDomain: '[::1]>' }],
    ['auth_username', { authUsername: 'user\r\nX-Evil: 1' }],
    ['auth_username', { authUsername: 'user\0' }],
    ['auth_password', { authPassword: 'pass\n' }],
    ['gateways', { gateways: [{ host: 'a b', port: 5060, transport: 'udp' }] }],
    ['gateways', { gateways: [{ host: 'a.example', port: 0, transport: 'udp' }] }],
  ])('refuse wrong %s', async (field, input) => {
    const store = createTrunkStore({ db, secrets, clock });
    await expect(
      store.create(workspaceId, { ...input, name: input.name ?? 'x' }),
    ).rejects.toMatchObject({
      name: 'TrunkError',
      field,
    });
  });
});

describe('a trunk’s domain', () => {
  it.each(['carrier.example', 'CARRIER-1.example.', '192.0.2.1', '[2001:db8::1]', 'pbx'])(
    'may be %s',
    async (fromDomain) => {
      const store = createTrunkStore({ db, secrets, clock });
      expect(await store.create(workspaceId, { name: 'x', fromDomain })).toMatchObject({
        fromDomain,
      });
    },
  );
});

describe('headers of one call', () => {
  it.each(['P-Asserted-Identity', 'remote-party-id', 'P-Preferred-Identity'])(
    'do not say who calls by %s',
    (name) => {
      expect(() => checkCallHeaders({ [name]: '<sip:+19005550100@x>' })).toThrow(/who calls/);
      expect(() => checkCallHeaders({ 'X-Case': '42' })).not.toThrow();
    },
  );
});

describe('the sandbox trunk', () => {
  /** What a start does. */
  const ensure = (start: {
    agentId: string;
    agentIsNew?: boolean;
    port?: number;
  }): ReturnType<typeof ensureSandboxTrunk> =>
    ensureSandboxTrunk({
      db,
      secrets,
      clock,
      workspaceId,
      agentId: start.agentId,
      agentIsNew: start.agentIsNew ?? false,
      carrier: { host: '127.0.0.1', port: start.port ?? 5080 },
      credentials: { username: 'sandbox', password: 'secret' },
    });

  it('is there once, with two gateways on the carrier’s port, whatever port that has', async () => {
    const agent = await agents.insert(db.pool, { id: 'agent_demo', workspaceId, config: {} });
    await ensure({ agentId: agent.id, port: 5080 });
    const trunk = await ensure({ agentId: agent.id, port: 6080 });
    expect(trunk).toMatchObject({ name: 'sandbox', sandbox: true, hasPassword: true });
    expect(trunk.gateways).toMatchObject([
      { port: 6080, transport: 'udp', priority: 1 },
      { port: 6080, transport: 'tcp', priority: 2 },
    ]);
    // Guardrails that protect people do not hold for it.
    await expect(
      createTrunkStore({ db, secrets, clock }).update(workspaceId, trunk.id, {
        gateways: [{ host: 'sip.carrier.example', port: 5060, transport: 'udp' }],
      }),
    ).rejects.toMatchObject({ field: 'gateways' });
    const numbers = createNumberStore({ db, clock });
    const { data } = await numbers.list(workspaceId, { trunkId: trunk.id });
    expect(data).toMatchObject([{ e164: SANDBOX_NUMBER, agentId: 'agent_demo' }]);
    await expect(
      numbers.add(workspaceId, { e164: SANDBOX_NUMBER, trunkId: trunk.id, agentId: null }),
    ).rejects.toMatchObject({ code: 'number-taken' });
    await expect(
      numbers.add(workspaceId, { e164: '+14155552671', trunkId: 'trunk_x', agentId: null }),
    ).rejects.toMatchObject({ code: 'trunk-not-found' });
    await expect(
      numbers.add(workspaceId, { e164: '12', trunkId: trunk.id, agentId: null }),
    ).rejects.toMatchObject({ code: 'invalid-number' });
  });

  it('cannot be deleted while the sandbox is on', async () => {
    const store = createTrunkStore({ db, secrets, clock });
    await expect(store.remove(workspaceId, 'trunk_sandbox')).rejects.toMatchObject({
      name: 'TrunkError',
      code: 'conflict',
    });
    expect(await store.get(workspaceId, 'trunk_sandbox')).not.toBeNull();
  });

  it('comes back with its number at a start after it was deleted', async () => {
    const off = createTrunkStore({ db, secrets, clock, sandbox: false });
    expect(await off.remove(workspaceId, 'trunk_sandbox')).toEqual({ numbers: 1 });
    expect(await ensure({ agentId: 'agent_demo' })).toMatchObject({
      id: 'trunk_sandbox',
      active: true,
    });
    const numbers = createNumberStore({ db, clock });
    expect(await numbers.find(workspaceId, SANDBOX_NUMBER)).toMatchObject({
      trunkId: 'trunk_sandbox',
      agentId: 'agent_demo',
    });
  });

  it('has its number answered by somebody who is there, unless nobody should', async () => {
    const numbers = createNumberStore({ db, clock });
    const sandboxNumber = async (): Promise<{ id: string; agentId: string | null }> => {
      const found = await numbers.find(workspaceId, SANDBOX_NUMBER);
      if (!found) throw new Error('expected the sandbox number, got none');
      return found;
    };
    await agents.insert(db.pool, { id: 'agent_demo_2', workspaceId, config: {} });
    await agents.softDelete(db.pool, workspaceId, 'agent_demo');
    await numbers.assign(workspaceId, (await sandboxNumber()).id, 'agent_demo');
    await ensure({ agentId: 'agent_demo_2' });
    expect(await sandboxNumber()).toMatchObject({ agentId: 'agent_demo_2' });
    await numbers.assign(workspaceId, (await sandboxNumber()).id, null);
    await ensure({ agentId: 'agent_demo_2' });
    expect(await sandboxNumber()).toMatchObject({ agentId: null });
    await ensure({ agentId: 'agent_demo_2', agentIsNew: true });
    expect(await sandboxNumber()).toMatchObject({ agentId: 'agent_demo_2' });
  });
});
