import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
let trunkId = '';
const OWN = '+12125550123';

beforeAll(async () => {
  lab = await openApiLab();
  const gateways = [{ host: '127.0.0.1', port: 9, transport: 'udp' }];
  const made = await lab.send('POST', '/v1/trunks', { name: 'real', gateways });
  trunkId = (made.body as { id: string }).id;
  await lab.send('POST', '/v1/numbers', { number: OWN, trunk_id: trunkId, agent_id: lab.agentId });
});
afterAll(async () => {
  await lab.close();
});

const other = (): object => ({ authorization: `Bearer ${lab.otherKey}` });

function call(to: string, extra: object = {}) {
  return lab.send('POST', '/v1/calls', { to, from: OWN, agent_id: lab.agentId, ...extra });
}

async function calls(): Promise<number> {
  const { rows } = await lab.calls.db.pool.query('select count(*)::int as count from calls');
  return (rows[0] as { count: number }).count;
}

/** No test depends on the hour at which it runs. */
async function openAllDay(): Promise<void> {
  await lab.send('PATCH', '/v1/guardrails', { calling_windows: { enabled: false } });
}

describe('/v1/guardrails', () => {
  it('shows what is in force and where it comes from', async () => {
    const { status, body } = await lab.send('GET', '/v1/guardrails', undefined, other());
    expect(status).toBe(200);
    expect(body).toMatchObject({
      settings: { attempts: { per_24_hours: 3, per_7_days: 7 }, max_duration_s: 14_400 },
      set_by_workspace: [],
      paused: null,
    });
  });

  it('has what says which hours are unusual, within bounds', async () => {
    const set = (anomaly: object) => lab.send('PATCH', '/v1/guardrails', { anomaly }, other());
    const { body } = await lab.send('GET', '/v1/guardrails', undefined, other());
    const defaults = { unusual_hour_calls: 10, unusual_hour_share: 0.01, unusual_hour_days: 3 };
    expect(body).toMatchObject({ settings: { anomaly: defaults } });
    for (const wrong of [
      { unusual_hour_calls: 0 },
      { unusual_hour_share: 1.5 },
      { unusual_hour_days: 8 },
    ]) {
      expect((await set(wrong)).status).toBe(400);
    }
    const changed = await set({ unusual_hour_calls: null, unusual_hour_share: 0.02 });
    expect(changed.body).toMatchObject({
      settings: {
        anomaly: { unusual_hour_calls: null, unusual_hour_share: 0.02, unusual_hour_days: 3 },
      },
    });
    await lab.send('PATCH', '/v1/guardrails', { anomaly: null }, other());
  });

  it('refuses countries that there are not', async () => {
    for (const [patch, field] of [
      [{ destinations: { allowed_countries: ['US', 'XX'] } }, 'destinations.allowed_countries.1'],
      [{ do_not_call: { registry_required_for: ['ZZ'] } }, 'do_not_call.registry_required_for.0'],
    ] as const) {
      const answer = await lab.send('PATCH', '/v1/guardrails', patch);
      expect([answer.status, answer.body]).toMatchObject([
        400,
        { error: { details: [{ field }] } },
      ]);
    }
  });

  it('changes single fields and keeps the others, and takes sections back', async () => {
    const patch = { attempts: { per_24_hours: 2 }, destinations: { allowed_countries: ['DE'] } };
    const changed = await lab.send('PATCH', '/v1/guardrails', patch, other());
    expect(changed.status).toBe(200);
    await lab.send('PATCH', '/v1/guardrails', { attempts: { per_7_days: 5 } }, other());
    const { body } = await lab.send('GET', '/v1/guardrails', undefined, other());
    expect(body).toMatchObject({
      settings: {
        attempts: { per_24_hours: 2, per_7_days: 5, gap_after_declined_s: 86_400 },
        destinations: { allowed_countries: ['DE'] },
      },
      set_by_workspace: [
        'attempts.per_24_hours',
        'attempts.per_7_days',
        'destinations.allowed_countries',
      ],
    });
    const back = await lab.send('PATCH', '/v1/guardrails', { attempts: null }, other());
    expect(back.body).toMatchObject({ settings: { attempts: { per_24_hours: 3 } } });
    // The other workspace's settings are its own.
    const mine = await lab.send('GET', '/v1/guardrails');
    expect(mine.body).toMatchObject({ settings: { destinations: { allowed_countries: null } } });
  });

  it.each([
    [{ attempts: { per_day: 3 } }, 'per_day'],
    [{ destinations: { allowed_countries: ['Germany'] } }, 'allowed_countries'],
    [
      { calling_windows: { countries: { US: [{ days: ['mon'], from: '21:00', to: '08:00' }] } } },
      'from',
    ],
    [{ calling_windows: { agents: { agent_x: { timezone: 'Mars/Olympus' } } } }, 'timezone'],
    [{ max_duration_s: 99_999 }, 'max_duration_s'],
    [{ speed: 1 }, 'speed'],
  ])('refuses %j by the name of the field', async (patch, named) => {
    const { status, text } = await lab.send('PATCH', '/v1/guardrails', patch);
    expect(status).toBe(400);
    expect(text).toContain(named);
  });
});

describe('guardrails of a call', () => {
  it.each([
    ['+5352123456', 'G01'],
    ['+252612345678', 'G01'],
    ['+37121234567', 'G01'],
    ['+18095551234', 'G01'],
  ])('refuses %s with %s, and stores no call', async (to, rule) => {
    const before = await calls();
    const { status, body } = await call(to);
    expect(status).toBe(403);
    expect(body).toMatchObject({ error: { code: 'guardrail', details: [{ rule }] } });
    expect(await calls()).toBe(before);
  });

  it('refuses a spoofed from-number, naming G10', async () => {
    for (const spoofed of [{ from: '+13125550199' }, { from: OWN, trunk_id: lab.trunkId }]) {
      const { status, body } = await call('+14155550123', spoofed);
      expect(status).toBe(403);
      expect(body).toMatchObject({ error: { code: 'guardrail', details: [{ rule: 'G10' }] } });
    }
  });

  it('stops a call that the list got before it is dialled', async () => {
    await openAllDay();
    const to = '+14155550142';
    expect((await call(to)).status).toBe(201);
    const added = await lab.send('POST', '/v1/do-not-call', { number: to, note: 'by letter' });
    expect(added.status).toBe(201);
    const { status, body } = await call(to);
    expect(status).toBe(403);
    expect(body).toMatchObject({ error: { details: [{ rule: 'G21' }] } });
  });

  it('says what would happen at another time, without placing anything', async () => {
    await lab.send('PATCH', '/v1/guardrails', { calling_windows: null });
    const before = await calls();
    const ask = (at: string) =>
      lab.send('POST', '/v1/guardrails/check', { to: '+12125550177', trunk_id: trunkId, at });
    const night = await ask('2027-01-13T04:00:00Z');
    expect(night.status).toBe(200);
    expect(night.body).toMatchObject({
      allowed: false,
      refusals: [{ rule: 'G20', retry_at: '2027-01-13T13:00:00.000Z' }],
      callee: {
        country: 'US',
        region: 'US-NY',
        zones: [{ timezone: 'America/New_York', local_time: 'Tue 2027-01-12T23:00-05:00' }],
      },
      recording: { mode: 'announce', announcement: 'This call is recorded.', may_record: true },
    });
    const day = await ask('2027-01-13T15:00:00Z');
    expect(day.body).toMatchObject({ allowed: true, refusals: [] });
    expect(await calls()).toBe(before);
  });

  it('tells every rule that refuses, not the first only', async () => {
    const { body } = await lab.send('POST', '/v1/guardrails/check', {
      to: '+18095551234',
      trunk_id: trunkId,
      at: '2027-01-13T04:00:00Z',
    });
    const rules = (body as { refusals: { rule: string }[] }).refusals.map(({ rule }) => rule);
    expect(rules).toEqual(['G01', 'G02', 'G20']);
  });

  it('G04: tells that a first minute, by all rates, does not fit a cap, and agrees with a call', async () => {
    await lab.calls.db.pool.query(
      `insert into rates (kind, provider, unit, micros_per_unit)
       values ('platform', 'trunkline', 'minute', 1000000)
       on conflict (kind, provider, prefix, unit) do update set micros_per_unit = 1000000`,
    );
    const cap = (micros: number | null) =>
      lab.send('PATCH', '/v1/guardrails', { spend_caps: { workspace: { day_micros: micros } } });
    const to = '+12125550188';
    const ask = (extra: object = {}) =>
      lab.send('POST', '/v1/guardrails/check', { to, trunk_id: trunkId, ...extra });
    try {
      await openAllDay();
      await cap(999);
      const short = await ask();
      expect(short.body).toMatchObject({ allowed: false, refusals: [{ rule: 'G04' }] });
      const message = (short.body as { refusals: { message: string }[] }).refusals[0]?.message;
      expect(message).toMatch(/no room for the 1\d{6} micros/);
      expect((await call(to)).status).toBe(403);
      await cap(1_000_000_000);
      expect((await ask()).body).toMatchObject({ allowed: true });
      expect((await ask({ agent_id: lab.agentId })).body).toMatchObject({ allowed: true });
      await cap(0);
      expect((await ask()).body).toMatchObject({ refusals: [{ rule: 'G04' }] });
    } finally {
      await cap(null);
      await lab.send('PATCH', '/v1/guardrails', { calling_windows: null });
      await lab.calls.db.pool.query(
        `update rates set micros_per_unit = 0 where kind = 'platform' and provider = 'trunkline'`,
      );
    }
  });

  it('lets the sandbox call at any hour', async () => {
    const { body } = await lab.send('POST', '/v1/guardrails/check', {
      to: '+15005550101',
      trunk_id: lab.trunkId,
      at: '2027-01-13T04:00:00Z',
    });
    expect(body).toMatchObject({ allowed: true, recording: { mode: 'off' } });
  });

  it('asks in Germany before anything is recorded', async () => {
    const check = () =>
      lab.send('POST', '/v1/guardrails/check', { to: '+4930123456', trunk_id: trunkId });
    expect((await check()).body).toMatchObject({ recording: { mode: 'ask', may_record: false } });
    await lab.send('POST', '/v1/consents', {
      number: '+4930123456',
      purpose: 'recording',
      source: 'contract 17',
    });
    expect((await check()).body).toMatchObject({ recording: { mode: 'ask', may_record: true } });
  });
});

describe('/v1/guardrails/overrides', () => {
  it('lets a call pass, keeps who, why and each use, and ends', async () => {
    await openAllDay();
    const to = '+37121234567';
    const made = await lab.send('POST', '/v1/guardrails/overrides', {
      number: to,
      rules: ['G01'],
      reason: 'customer moved to Riga, ticket 4711',
    });
    expect(made.status).toBe(201);
    const { id } = made.body as { id: string };
    const placed = await call(to);
    expect(placed.status).toBe(201);
    const callId = (placed.body as { id: string }).id;
    const shown = await lab.send('GET', `/v1/guardrails/overrides/${id}`);
    expect(shown.body).toMatchObject({
      reason: 'customer moved to Riga, ticket 4711',
      key_id: expect.stringMatching(/^key_/),
      uses: [{ rule: 'G01', stage: 'admission', call_id: callId }],
    });
    expect((await lab.send('DELETE', `/v1/guardrails/overrides/${id}`)).status).toBe(200);
    expect((await call(to)).status).toBe(403);
  });

  it('makes no exception of emergency numbers and caller IDs', async () => {
    const { status, text } = await lab.send('POST', '/v1/guardrails/overrides', {
      number: '+14155550123',
      rules: ['G28', 'G10'],
      reason: 'because I say so',
    });
    expect(status).toBe(400);
    expect(text).toContain('rules');
  });

  it('is for administrators, and another workspace’s is not found', async () => {
    const { body } = await lab.send('GET', '/v1/guardrails/overrides');
    const [first] = (body as { data: { id: string }[] }).data;
    const foreign = await lab.send(
      'GET',
      `/v1/guardrails/overrides/${first?.id}`,
      undefined,
      other(),
    );
    expect(foreign.status).toBe(404);
    const key = await lab.send('POST', '/v1/keys', { name: 'caller', scopes: ['calls', 'write'] });
    const weak = { authorization: `Bearer ${(key.body as { key: string }).key}` };
    const body2 = { number: '+14155550123', rules: ['G01'], reason: 'a good enough reason' };
    expect((await lab.send('POST', '/v1/guardrails/overrides', body2, weak)).status).toBe(403);
    expect((await lab.send('PATCH', '/v1/guardrails', {}, weak)).status).toBe(403);
  });
});

describe('pause and traffic', () => {
  it('refuses calls over real trunks until somebody resumes', async () => {
    await openAllDay();
    await lab.send('POST', '/v1/guardrails/pause', { reason: 'numbers look wrong' });
    const { status, text } = await call('+14155550188');
    expect(status).toBe(403);
    expect(text).toContain('G07');
    expect(text).toContain('numbers look wrong');
    const resumed = await lab.send('POST', '/v1/guardrails/resume');
    expect(resumed.body).toMatchObject({ paused: null });
    expect((await call('+14155550188')).status).toBe(201);
  });

  it('shows how the calls of a trunk went', async () => {
    const id = await lab.placeCall();
    await lab.playCall(id);
    const { status, body } = await lab.send('GET', '/v1/guardrails/traffic?hours=1');
    expect(status).toBe(200);
    expect((body as { data: unknown[] }).data).toMatchObject([
      { calls: 1, asr: 1, pdd_ms: 100, share_0_s: 0, warnings: [] },
    ]);
  });
});
