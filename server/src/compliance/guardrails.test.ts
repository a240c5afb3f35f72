import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import * as holds from '../db/queries/holds.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { addDoNotCall } from './do-not-call.ts';
import { createGuardrails } from './guardrails.ts';
import type { GuardrailRequest, Verdict } from './guardrail-types.ts';
import { changeSettings } from './settings-store.ts';

const FROM = '+12125550123';
const TO = '+14155550142';
/** A Wednesday, 15:00 in New York, 12:00 in San Francisco. */
const NOON = Date.UTC(2026, 0, 14, 20);
const MINUTE_MS = 60_000;

let test: TestDatabase;
let db: Database;
let workspaceId = '';
let count = 0;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
});
afterAll(async () => {
  await db.close();
  await test.close();
});

beforeEach(async () => {
  workspaceId = `ws_${++count}`;
  await db.pool.query(`insert into workspaces (id, name) values ($1, 'Test')`, [workspaceId]);
  for (const [kind, sandbox, number] of [
    ['real', false, FROM.slice(0, -3) + String(100 + count)],
    ['sandbox', true, `+1500555${String(1_000 + count)}`],
  ] as const) {
    await db.pool.query(
      'insert into trunks (id, workspace_id, name, sandbox) values ($1, $2, $1, $3)',
      [`trunk_${kind}_${count}`, workspaceId, sandbox],
    );
    await db.pool.query(
      'insert into numbers (id, workspace_id, e164, trunk_id) values ($1, $2, $3, $1)',
      [`trunk_${kind}_${count}`, workspaceId, number],
    );
  }
});

function from(): string {
  return FROM.slice(0, -3) + String(100 + count);
}

function request(extra: Partial<GuardrailRequest> = {}): GuardrailRequest {
  return {
    stage: 'admission',
    workspaceId,
    trunk: { id: `trunk_real_${count}`, sandbox: false },
    from: from(),
    to: TO,
    agentId: null,
    ...extra,
  };
}

function sandboxRequest(extra: Partial<GuardrailRequest> = {}): GuardrailRequest {
  const number = `+1500555${String(1_000 + count)}`;
  const trunk = { id: `trunk_sandbox_${count}`, sandbox: true };
  return request({ trunk, from: number, to: '+15005550101', ...extra });
}

function check(at: number, extra: Partial<GuardrailRequest> = {}): Promise<Verdict> {
  return createGuardrails({ clock: new FakeClock(at) }).check(db.pool, request(extra));
}

function rule(verdict: Verdict): string | null {
  return verdict.allowed ? null : verdict.rule;
}

/** A call that was made before. */
async function earlier(
  initiatedAtMs: number,
  fields: Partial<calls.NewCall> = {},
  trunk = 'real',
): Promise<string> {
  const id = newId('call', initiatedAtMs);
  await calls.insert(db.pool, {
    id,
    workspaceId,
    direction: 'outbound',
    trunkId: `trunk_${trunk}_${count}`,
    fromNumber: from(),
    toNumber: TO,
    status: 'completed',
    initiatedAt: new Date(initiatedAtMs),
    createdAt: new Date(initiatedAtMs),
    ...(fields.status === undefined && { answeredAt: new Date(initiatedAtMs + 5_000) }),
    ...fields,
  });
  return id;
}

const set = (patch: object) =>
  db.transaction((client) => changeSettings(client, workspaceId, patch as Record<string, unknown>));

describe('a call that nothing stands against', () => {
  it('is allowed, with the longest that it may last', async () => {
    expect(await check(NOON)).toEqual({ allowed: true, warnings: [], maxDurationS: 14_400 });
    await set({ max_duration_s: 600 });
    expect(await check(NOON)).toMatchObject({ maxDurationS: 600 });
  });
});

describe('G10', () => {
  it('takes numbers of the very trunk only', async () => {
    const sandbox = { id: `trunk_sandbox_${count}`, sandbox: true };
    expect(rule(await check(NOON, { trunk: sandbox }))).toBe('G10');
    expect(rule(await check(NOON, { from: '+13125550199' }))).toBe('G10');
  });
});

describe('G03', () => {
  it('refuses a destination that is too dear, by its longest prefix', async () => {
    await db.pool.query(
      `insert into workspace_rates (id, workspace_id, kind, provider, prefix, unit, micros_per_unit)
       values ($1, $2, 'network', '*', '1', 'minute', 10000),
              ($3, $2, 'network', '*', '14155', 'minute', 3000000)`,
      [`rate_a${count}`, workspaceId, `rate_b${count}`],
    );
    expect(rule(await check(NOON))).toBe('G03');
    expect(rule(await check(NOON, { to: '+14165550142' }))).not.toBe('G03');
    await set({ destinations: { max_rate_micros_per_minute: 3_000_000 } });
    expect(rule(await check(NOON))).toBeNull();
  });
});

describe('G21', () => {
  it('is asked at dial time: a number that was listed after admission is not dialled', async () => {
    expect(rule(await check(NOON))).toBeNull();
    await addDoNotCall(db.pool, { workspaceId, number: TO, source: 'call', at: new Date(NOON) });
    expect(await check(NOON, { stage: 'dial' })).toMatchObject({ rule: 'G21', retryAt: null });
    expect(rule(await check(NOON, { stage: 'transfer' }))).toBe('G21');
  });

  it('keeps to a campaign what is on its list alone', async () => {
    const wish = { workspaceId, number: TO, source: 'api', at: new Date(NOON) };
    await addDoNotCall(db.pool, { ...wish, campaignId: 'campaign_1' });
    expect(rule(await check(NOON))).toBeNull();
    expect(rule(await check(NOON, { campaignId: 'campaign_2' }))).toBeNull();
    expect(rule(await check(NOON, { campaignId: 'campaign_1' }))).toBe('G21');
  });

  it('holds on the sandbox too', async () => {
    const number = '+15005550101';
    await addDoNotCall(db.pool, { workspaceId, number, source: 'api', at: new Date(NOON) });
    const guardrails = createGuardrails({ clock: new FakeClock(NOON) });
    expect(rule(await guardrails.check(db.pool, sandboxRequest()))).toBe('G21');
  });

  it('sells to the United States with a registry of the last 31 days only', async () => {
    const purpose = 'promotional';
    expect(await check(NOON, { purpose })).toMatchObject({ code: 'registry-out-of-date' });
    await db.pool.query(`insert into do_not_call_lists values ($1, 'ftc', 'registry', 'US', $2)`, [
      workspaceId,
      new Date(NOON - 30 * 86_400_000),
    ]);
    expect(rule(await check(NOON, { purpose }))).toBeNull();
    expect(rule(await check(NOON + 2 * 86_400_000, { purpose }))).toBe('G21');
  });
});

describe('G22', () => {
  it('asks for a consent where the workspace demands one', async () => {
    await set({ consent: { required_for: ['service'] } });
    expect(rule(await check(NOON))).toBe('G22');
    await db.pool.query(
      `insert into consents (id, workspace_id, number, purpose, source, obtained_at)
       values ($1, $2, $3, 'service', 'form', $4)`,
      [`consent_${count}`, workspaceId, TO, new Date(NOON - 1)],
    );
    expect(rule(await check(NOON))).toBeNull();
  });
});

describe('G20', () => {
  const NIGHT = Date.UTC(2026, 0, 14, 10);

  it('puts a call off, over real trunks only', async () => {
    expect(await check(NIGHT)).toMatchObject({
      rule: 'G20',
      retryAt: new Date('2026-01-14T16:00:00Z'),
    });
    const guardrails = createGuardrails({ clock: new FakeClock(NIGHT) });
    expect(rule(await guardrails.check(db.pool, sandboxRequest()))).toBeNull();
  });

  it('judges a scheduled call at its time', async () => {
    expect(rule(await check(NIGHT, { at: new Date(NOON) }))).toBeNull();
    expect(rule(await check(NOON, { at: new Date(NIGHT + 86_400_000) }))).toBe('G20');
  });

  it('knows windows, purposes and zones of agents, and of contacts', async () => {
    const window = [{ days: ['wed' as const], from: '09:00', to: '10:00' }];
    await set({
      calling_windows: { agents: { agent_1: { window, timezone: 'America/New_York' } } },
    });
    const nine = Date.UTC(2026, 0, 14, 14, 30);
    expect(rule(await check(nine, { agentId: 'agent_1' }))).toBeNull();
    expect(rule(await check(nine, { agentId: 'agent_2' }))).toBe('G20');
    expect(rule(await check(NOON, { agentId: 'agent_1' }))).toBe('G20');
    expect(rule(await check(nine, { timezone: 'America/New_York' }))).toBeNull();
    expect(rule(await check(NOON, { window }))).toBe('G20');
  });

  it('leaves a transfer alone: the caller asked for it', async () => {
    expect(rule(await check(NIGHT, { stage: 'transfer' }))).toBeNull();
  });
});

describe('G23', () => {
  it('allows three attempts in 24 hours, counted over trunks, and none of the sandbox’s', async () => {
    await earlier(NOON - 23 * 3_600_000);
    await earlier(NOON - 3 * 3_600_000, {}, 'sandbox');
    await earlier(NOON - 2 * 3_600_000);
    expect(rule(await check(NOON))).toBeNull();
    await earlier(NOON - 3_600_000);
    expect(await check(NOON)).toMatchObject({
      rule: 'G23',
      code: 'too-many-attempts',
      retryAt: new Date(NOON + 3_600_000),
    });
    expect(rule(await check(NOON + 3_600_000 + 1))).toBeNull();
    expect(rule(await check(NOON, { to: '+14155550143' }))).toBeNull();
  });

  it('does not count what never reached the phone, nor the call itself', async () => {
    for (let n = 0; n < 3; n++) {
      await earlier(NOON - n * MINUTE_MS, { status: 'failed', endReason: 'congestion' });
    }
    expect(rule(await check(NOON))).toBeNull();
    await set({ attempts: { per_24_hours: 1 } });
    const own = await earlier(NOON);
    expect(rule(await check(NOON, { callId: own }))).toBeNull();
    expect(rule(await check(NOON))).toBe('G23');
  });

  it.each([
    ['no-answer', { status: 'no-answer' as const }, 1_800],
    ['busy', { status: 'busy' as const }, 900],
    ['declined', { status: 'failed' as const, endReason: 'declined' }, 86_400],
  ])('waits after %s', async (_name, fields, gapS) => {
    await earlier(NOON, fields);
    const before = await check(NOON + gapS * 1_000 - 1);
    expect(rule(before)).toBe('G23');
    // The window of the next day is another matter.
    expect(before).toMatchObject({ retryAt: new Date(NOON + gapS * 1_000) });
    expect(rule(await check(NOON + gapS * 1_000))).toBeNull();
  });

  it('waits longer with each busy in a row', async () => {
    await earlier(NOON - 2 * 3_600_000, { status: 'busy' });
    await earlier(NOON, { status: 'busy' });
    expect(await check(NOON + 1)).toMatchObject({ retryAt: new Date(NOON + 1_800_000) });
  });
});

describe('G05', () => {
  it('has one live call to a number at once, in any direction of time', async () => {
    const live = await earlier(NOON - MINUTE_MS, { status: 'ringing' });
    expect(await check(NOON)).toMatchObject({ rule: 'G05', code: 'destination-in-call' });
    expect(rule(await check(NOON, { callId: live }))).toBeNull();
    expect(rule(await check(NOON, { at: new Date(NOON + 3_600_000) }))).toBeNull();
  });

  it('lets one of two that are dialled at the same moment through', async () => {
    const guardrails = createGuardrails({ clock: new FakeClock(NOON) });
    const ids = await Promise.all(
      [1, 2, 3, 4].map((n) => earlier(NOON - n, { status: 'queued', initiatedAt: null })),
    );
    const verdicts = await Promise.all(
      ids.map((callId) =>
        db.transaction(async (client) => {
          const verdict = await guardrails.check(client, request({ stage: 'dial', callId }));
          if (verdict.allowed) {
            await calls.transition(client, callId, ['queued'], 'initiated', {
              initiatedAt: new Date(NOON),
            });
          }
          return rule(verdict);
        }),
      ),
    );
    expect(verdicts.filter((found) => found === null)).toHaveLength(1);
    expect(verdicts.filter((found) => found === 'G05')).toHaveLength(3);
  });

  it('keeps the workspace’s own limit at dial time', async () => {
    await set({ concurrency: { workspace: 1 } });
    await earlier(NOON, { status: 'in-progress', toNumber: '+14155550199' });
    expect(rule(await check(NOON))).toBeNull();
    expect(await check(NOON, { stage: 'dial' })).toMatchObject({ code: 'workspace-concurrency' });
  });
});

describe('G06', () => {
  it('spaces what a workspace dials, and gives those that wait places in line', async () => {
    await set({ pace: { workspace_calls_per_second: 2 } });
    const dial = (ms: number, to: string) =>
      db.transaction((client) =>
        createGuardrails({ clock: new FakeClock(NOON + ms) }).check(
          client,
          request({ stage: 'dial', to }),
        ),
      );
    expect(rule(await dial(0, '+14155550101'))).toBeNull();
    expect(await dial(1, '+14155550102')).toMatchObject({ retryAt: new Date(NOON + 500) });
    expect(await dial(2, '+14155550103')).toMatchObject({ retryAt: new Date(NOON + 1_000) });
    expect(rule(await dial(500, '+14155550102'))).toBeNull();
    expect(rule(await dial(999, '+14155550103'))).toBe('G06');
    expect(rule(await dial(1_000, '+14155550103'))).toBeNull();
  });
});

describe('G04', () => {
  it('cannot be overshot by a hundred calls that are admitted at once', async () => {
    await set({ spend_caps: { workspace: { day_micros: 1_000_000 } } });
    const guardrails = createGuardrails({ clock: systemClock });
    const periodMicros = 60_000;
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, () =>
        db.transaction(async (client) => {
          const verdict = await guardrails.check(
            client,
            sandboxRequest({ reserve: () => Promise.resolve(periodMicros) }),
          );
          if (!verdict.allowed) return verdict;
          const id = newId('call', systemClock.now());
          await calls.insert(client, {
            id,
            workspaceId,
            direction: 'outbound',
            status: 'queued',
            trunkId: `trunk_sandbox_${count}`,
            fromNumber: from(),
            toNumber: TO,
          });
          await holds.put(client, {
            callId: id,
            workspaceId,
            state: 'held',
            heldMicros: periodMicros,
            periodMicros,
            settledMicros: 0,
          });
          return verdict;
        }),
      ),
    );
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(16);
    const refused = verdicts.find(({ allowed }) => !allowed);
    expect(refused).toMatchObject({ rule: 'G04', code: 'spend-cap' });
    const { rows } = await db.pool.query(
      'select sum(held_micros)::int as held from holds where workspace_id = $1',
      [workspaceId],
    );
    expect((rows[0] as { held: number }).held).toBeLessThanOrEqual(1_000_000);
  });

  it('holds for the first call of a workspace, a trunk and a key too', async () => {
    const ask = (caps: object, micros: number) =>
      set({ spend_caps: caps }).then(() =>
        createGuardrails({ clock: systemClock }).check(
          db.pool,
          sandboxRequest({ keyId: 'key_1', reserve: () => Promise.resolve(micros) }),
        ),
      );
    for (const scope of ['workspace', 'trunk', 'key']) {
      const none = { hour_micros: null, day_micros: null, month_micros: null };
      const alone = (cap: object) => ({
        workspace: none,
        trunk: none,
        key: none,
        [scope]: { ...none, ...cap },
      });
      expect(rule(await ask(alone({ day_micros: 1_000 }), 1_001))).toBe('G04');
      expect(rule(await ask(alone({ day_micros: 1_000 }), 1_000))).toBeNull();
      expect(rule(await ask(alone({ hour_micros: 0 }), 0))).toBe('G04');
    }
    const nobody = sandboxRequest({ keyId: null });
    expect(rule(await createGuardrails({ clock: systemClock }).check(db.pool, nobody))).toBeNull();
  });

  it('asks what a call reserves only where a cap is set', async () => {
    let asked = 0;
    const guardrails = createGuardrails({ clock: systemClock });
    const wanted = sandboxRequest({ reserve: () => Promise.resolve(++asked) });
    await guardrails.check(db.pool, wanted);
    expect(asked).toBe(0);
    await set({ spend_caps: { workspace: { day_micros: 5 } } });
    await guardrails.check(db.pool, wanted);
    expect(asked).toBe(1);
  });

  it('lets a live call have its next minute within the cap only', async () => {
    const callId = await earlier(systemClock.now(), { status: 'in-progress' });
    await holds.put(db.pool, {
      callId,
      workspaceId,
      state: 'held',
      heldMicros: 120_000,
      periodMicros: 60_000,
      settledMicros: 0,
    });
    const guardrails = createGuardrails({ clock: systemClock });
    const live = { workspaceId, trunkId: `trunk_real_${count}`, keyId: null, callId };
    expect(await guardrails.checkLiveSpend(db.pool, live)).toBeNull();
    await set({ spend_caps: { trunk: { hour_micros: 180_000 } } });
    expect(await guardrails.checkLiveSpend(db.pool, live)).toBeNull();
    await earlier(systemClock.now(), { status: 'in-progress', toNumber: '+14155550199' }).then(
      (other) =>
        holds.put(db.pool, {
          callId: other,
          workspaceId,
          state: 'held',
          heldMicros: 60_000,
          periodMicros: 60_000,
          settledMicros: 0,
        }),
    );
    expect(await guardrails.checkLiveSpend(db.pool, live)).toMatchObject({ rule: 'G04' });
  });

  it('counts trunks and keys for themselves, and hours that were added up before', async () => {
    const nowMs = Date.UTC(2026, 10, 21, 12, 30);
    const callId = await earlier(nowMs, { apiKeyId: 'key_1', status: 'completed' });
    await holds.put(db.pool, {
      callId,
      workspaceId,
      state: 'settled',
      heldMicros: 0,
      periodMicros: 0,
      settledMicros: 500,
    });
    const spentAt = (hour: number) =>
      db.pool.query('update holds set updated_at = $2 where call_id = $1', [
        callId,
        new Date(Date.UTC(2026, 10, 21, hour, 10)),
      ]);
    const ask = (caps: object, extra: Partial<GuardrailRequest>) =>
      set({ spend_caps: caps }).then(() =>
        createGuardrails({ clock: new FakeClock(nowMs) }).check(
          db.pool,
          sandboxRequest({ trunk: { id: `trunk_sandbox_${count}`, sandbox: true }, ...extra }),
        ),
      );
    await spentAt(12);
    expect(rule(await ask({ key: { hour_micros: 500 } }, { keyId: 'key_1' }))).toBe('G04');
    expect(rule(await ask({ key: { hour_micros: 501 } }, { keyId: 'key_1' }))).toBeNull();
    expect(rule(await ask({ key: { hour_micros: 500 } }, { keyId: 'key_2' }))).toBeNull();
    expect(rule(await ask({ trunk: { hour_micros: 500 } }, {}))).toBeNull();
    expect(rule(await ask({ workspace: { hour_micros: 500 } }, {}))).toBe('G04');

    await db.pool.query('delete from spend_hours where workspace_id = $1', [workspaceId]);
    await spentAt(8);
    expect(rule(await ask({ workspace: { hour_micros: 500 } }, {}))).toBeNull();
    const day = await ask({ workspace: { day_micros: 500 } }, {});
    expect(day).toMatchObject({ rule: 'G04', retryAt: new Date(Date.UTC(2026, 10, 22)) });
    const { rows } = await db.pool.query(
      `select scope, micros::int from spend_hours where workspace_id = $1 and micros > 0
       order by scope`,
      [workspaceId],
    );
    expect(rows).toEqual([
      { scope: 'key:key_1', micros: 500 },
      { scope: `trunk:trunk_real_${count}`, micros: 500 },
      { scope: 'workspace', micros: 500 },
    ]);
  });
});

describe('G29', () => {
  it('asks whom it was given before it dials over a real trunk', async () => {
    const asked: string[] = [];
    const guardrails = createGuardrails({
      clock: new FakeClock(NOON),
      lookupNumber: (number) => {
        asked.push(number);
        return Promise.resolve({ reassigned: true, lineType: null });
      },
    });
    expect(rule(await guardrails.check(db.pool, request()))).toBeNull();
    expect(rule(await guardrails.check(db.pool, request({ stage: 'dial' })))).toBe('G29');
    expect(asked).toEqual([TO]);
  });
});
