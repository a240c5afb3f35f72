import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type Answer, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

interface Made {
  id: string;
  api_key: { id: string; key: string };
}

const as = (key: string): { authorization: string } => ({ authorization: `Bearer ${key}` });

async function makeWorkspace(body: object = {}): Promise<Made> {
  const answer = await lab.send('POST', '/v1/workspaces', { name: 'Practice Weber', ...body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body as Made;
}

async function makeKey(body: object): Promise<{ id: string; key: string; secret: string | null }> {
  const answer = await lab.send('POST', '/v1/keys', { name: 'test', ...body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body as { id: string; key: string; secret: string | null };
}

function errorOf({ body }: Answer): { code: string; message: string } {
  return (body as { error: { code: string; message: string } }).error;
}

describe('sub-accounts', () => {
  it('are made with a first key that sees its own workspace only', async () => {
    const made = await makeWorkspace({ timezone: 'Europe/Berlin', max_concurrent_calls: 3 });
    expect(made).toMatchObject({
      parent_id: lab.workspaceId,
      currency: 'USD',
      timezone: 'Europe/Berlin',
      max_concurrent_calls: 3,
      api_key: { key: expect.stringMatching(/^tl_[0-9a-f]{64}$/), scopes: ['admin'] },
    });
    const own = await lab.send('GET', '/v1/workspaces', undefined, as(made.api_key.key));
    expect((own.body as { data: Made[] }).data.map(({ id }) => id)).toEqual([made.id]);
    const parents = await lab.send('GET', '/v1/workspaces');
    const seen = (parents.body as { data: Made[] }).data.map(({ id }) => id);
    expect(seen[0]).toBe(lab.workspaceId);
    expect(seen).toContain(made.id);
    expect(parents.text).not.toContain(made.api_key.key);
    const foreign = await lab.send('GET', `/v1/workspaces/${made.id}`, undefined, as(lab.otherKey));
    expect(foreign.status).toBe(404);
  });

  it('keep to what their parent set for them', async () => {
    const made = await makeWorkspace({ max_concurrent_calls: 1 });
    const path = `/v1/workspaces/${made.id}`;
    const raise = { max_concurrent_calls: null };
    const own = await lab.send('PATCH', path, raise, as(made.api_key.key));
    expect([own.status, errorOf(own).code]).toEqual([403, 'forbidden']);
    const renamed = await lab.send('PATCH', path, { name: 'Mine' }, as(made.api_key.key));
    expect(renamed.body).toMatchObject({ name: 'Mine', max_concurrent_calls: 1 });
    const child = await lab.send('POST', '/v1/workspaces', { name: 'x' }, as(made.api_key.key));
    expect([child.status, errorOf(child).message]).toEqual([
      403,
      'a sub-account cannot have sub-accounts',
    ]);
    const parents = await lab.send('PATCH', path, { ...raise, currency: 'EUR' });
    expect(parents.body).toMatchObject({ max_concurrent_calls: null, currency: 'EUR' });
    const whose = `?workspace_id=${made.id}`;
    await lab.send('POST', `/v1/wallet/top-ups${whose}`, { amount_micros: 5 });
    const worth = await lab.send('PATCH', path, { currency: 'JPY' });
    expect([worth.status, errorOf(worth).message]).toEqual([
      409,
      expect.stringContaining('bookings'),
    ]);
  });

  it('may not point a language model at machines beside this one; the operator may', async () => {
    const made = await makeWorkspace();
    const near = { name: 'x', type: 'llm', llm: { base_url: 'http://127.0.0.1:11434/v1' } };
    const headers = as(made.api_key.key);
    const refused = await lab.send('POST', '/v1/agents', near, headers);
    expect([refused.status, errorOf(refused).message]).toEqual([
      400,
      expect.stringContaining('llm.base_url'),
    ]);
    const far = { ...near, llm: { base_url: 'https://models.example.com/v1' } };
    const own = await lab.send('POST', '/v1/agents', far, headers);
    expect(own.status).toBe(201);
    const { id } = own.body as Made;
    const changed = await lab.send('PATCH', `/v1/agents/${id}`, { llm: near.llm }, headers);
    expect(changed.status).toBe(400);
    expect((await lab.send('POST', '/v1/agents', near)).status).toBe(201);
  });

  it('are refused with the field that is wrong', async () => {
    for (const [field, value] of [
      ['currency', 'XYZ'],
      ['timezone', 'Berlin'],
      ['timezone', '+02:00'],
      ['max_concurrent_calls', 0],
      ['name', '  '],
      ['colour', 'red'],
    ] as const) {
      const answer = await lab.send('POST', '/v1/workspaces', { name: 'x', [field]: value });
      expect([field, answer.status, errorOf(answer).message]).toEqual([
        field,
        400,
        expect.stringContaining(field),
      ]);
    }
  });

  it('end with their keys, not while a call is on, and never by themselves', async () => {
    const made = await makeWorkspace();
    const path = `/v1/workspaces/${made.id}`;
    expect((await lab.send('DELETE', path, undefined, as(made.api_key.key))).status).toBe(409);
    expect((await lab.send('DELETE', `/v1/workspaces/${lab.workspaceId}`)).status).toBe(409);
    await lab.calls.db.pool.query(
      `insert into calls (id, workspace_id, direction, from_number, to_number, status)
       values ('call_unfinished', $1, 'outbound', '+1', '+2', 'queued')`,
      [made.id],
    );
    const busy = await lab.send('DELETE', path);
    expect([busy.status, errorOf(busy).message]).toEqual([
      409,
      expect.stringContaining('not over'),
    ]);
    await lab.calls.db.pool.query(`update calls set status = 'canceled' where workspace_id = $1`, [
      made.id,
    ]);
    expect((await lab.send('DELETE', path)).status).toBe(204);
    expect((await lab.send('GET', path)).status).toBe(404);
    expect((await lab.send('DELETE', path)).status).toBe(404);
    expect((await lab.send('GET', '/v1/calls', undefined, as(made.api_key.key))).status).toBe(401);
  });

  it('leave their numbers to others when they end', async () => {
    const [first, second] = [await makeWorkspace(), await makeWorkspace()];
    const take = async (key: string): Promise<number> => {
      const trunk = await lab.send('POST', '/v1/trunks', { name: 'x' }, as(key));
      const { id: trunkId } = trunk.body as { id: string };
      const body = { number: '+14155550177', trunk_id: trunkId };
      return (await lab.send('POST', '/v1/numbers', body, as(key))).status;
    };
    expect(await take(first.api_key.key)).toBe(201);
    expect(await take(second.api_key.key)).toBe(409);
    expect((await lab.send('DELETE', `/v1/workspaces/${first.id}`)).status).toBe(204);
    expect(await take(second.api_key.key)).toBe(201);
    const { rows } = await lab.calls.db.pool.query(
      'select from trunks where workspace_id = $1 and deleted_at is null',
      [first.id],
    );
    expect(rows).toEqual([]);
  });

  it('can be given another key by their parent', async () => {
    const made = await makeWorkspace();
    const path = `/v1/workspaces/${made.id}/keys`;
    const { body } = await lab.send('POST', path, { name: 'lost the first', scopes: ['read'] });
    const { key } = body as { key: string };
    const list = await lab.send('GET', '/v1/workspaces', undefined, as(key));
    expect((list.body as { data: Made[] }).data.map(({ id }) => id)).toEqual([made.id]);
  });
});

describe('usage', () => {
  it('sums calls, time and cost by kind over a range, for the parent too', async () => {
    const made = await makeWorkspace();
    const path = `/v1/workspaces/${made.id}/usage`;
    await lab.calls.db.pool.query(
      `insert into calls (id, workspace_id, direction, from_number, to_number, status, duration_ms,
         cost, created_at)
       select 'call_usage_' || n, $1, 'outbound', '+1', '+2',
         case when n < 3 then 'completed' else 'busy' end, case when n < 3 then 60000 end,
         case when n < 3 then '{"total_micros": 700, "lines": [
           {"kind": "platform", "provider": "trunkline", "micros": 500},
           {"kind": "network", "provider": "x", "micros": 200}]}'::jsonb end,
         case when n = 2 then '2026-01-15'::timestamptz else '2026-02-15' end
       from generate_series(1, 3) n`,
      [made.id],
    );
    const range = '?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z';
    for (const headers of [as(made.api_key.key), undefined]) {
      const { body } = await lab.send('GET', path + range, undefined, headers);
      expect(body).toEqual({
        workspace_id: made.id,
        from: '2026-02-01T00:00:00.000Z',
        to: '2026-03-01T00:00:00.000Z',
        currency: 'USD',
        calls: 2,
        duration_ms: 60_000,
        cost_micros: 700,
        cost_by_kind_micros: { network: 200, platform: 500 },
        calls_by_status: { busy: 1, completed: 1 },
        calls_by_direction: { outbound: 2 },
      });
    }
    expect((await lab.send('GET', `${path}?from=2026-03-01T00:00:00Z`)).status).toBe(200);
    const backwards = await lab.send(
      'GET',
      `${path}?from=2026-03-01T00:00:00Z&to=2026-02-01T00:00:00Z`,
    );
    expect(backwards.status).toBe(400);
    const currency = await lab.send('PATCH', `/v1/workspaces/${made.id}`, { currency: 'EUR' });
    expect([currency.status, errorOf(currency).code]).toEqual([409, 'conflict']);
  });
});

describe('keys', () => {
  it('may do what their scopes say and nothing else', async () => {
    const requests: [string, string, object | undefined, string][] = [
      ['GET', '/v1/agents', undefined, 'read'],
      ['POST', '/v1/trunks', { name: 'scoped' }, 'write'],
      ['POST', '/v1/calls', { to: '+15005550101' }, 'calls'],
      ['GET', `/v1/workspaces/${lab.workspaceId}/usage`, undefined, 'billing'],
      ['POST', '/v1/keys', { name: 'more' }, 'admin'],
      ['PUT', '/v1/provider-keys/openai', { key: 'sk-scoped-0123456789' }, 'admin'],
      ['POST', '/v1/workspaces', { name: 'more' }, 'admin'],
    ];
    for (const scope of ['read', 'write', 'calls', 'billing', 'admin']) {
      const { key } = await makeKey({ scopes: [scope] });
      for (const [method, path, body, needed] of requests) {
        const answer = await lab.send(method, path, body, as(key));
        const allowed = scope === 'admin' || scope === needed;
        expect([scope, method, path, answer.status < 300]).toEqual([scope, method, path, allowed]);
        if (!allowed) {
          expect([answer.status, errorOf(answer).code]).toEqual([403, 'forbidden']);
          expect(errorOf(answer).message).toContain(`'${needed}'`);
        }
      }
    }
  });

  it('end at their time, and cannot have ended already', async () => {
    const { id, key } = await makeKey({ expires_at: '2036-01-01T00:00:00+01:00' });
    expect((await lab.send('GET', '/v1/agents', undefined, as(key))).status).toBe(200);
    await lab.calls.db.pool.query(
      `update api_keys set expires_at = now() - interval '1 second' where id = $1`,
      [id],
    );
    // Behind the program's back: it would notice within a second.
    lab.context.auth.forgetKeys();
    expect((await lab.send('GET', '/v1/agents', undefined, as(key))).status).toBe(401);
    const past = await lab.send('POST', '/v1/keys', { name: 'x', expires_at: '2020-01-01T00:00Z' });
    expect(past.status).toBe(400);
  });

  it('of kind livekit are pairs: the secret is sealed, found by its name, and gone when revoked', async () => {
    const { id, key, secret } = await makeKey({ kind: 'livekit', scopes: ['calls'] });
    expect(key).toMatch(/^API[0-9a-f]{18}$/);
    const found = await lab.context.auth.findLiveKitSecret(key);
    expect(found).toEqual({
      workspaceId: lab.workspaceId,
      keyId: id,
      scopes: new Set(['calls']),
      secret,
    });
    const { rows } = await lab.calls.db.pool.query('select * from api_keys where id = $1', [id]);
    expect(JSON.stringify(rows)).not.toContain(secret);
    // Neither half is a key for a header.
    for (const text of [key, secret ?? '']) {
      expect((await lab.send('GET', '/v1/agents', undefined, as(text))).status).toBe(401);
    }
    expect((await lab.send('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expect(await lab.context.auth.findLiveKitSecret(key)).toBeNull();
  });
});

describe('provider keys', () => {
  it('are stored sealed, shown by their last four characters, replaced and removed', async () => {
    const canary = 'sk-canary-of-a-provider-7890';
    const path = '/v1/provider-keys/openai';
    const set = await lab.send('PUT', path, { key: canary });
    expect(set.body).toMatchObject({ provider: 'openai', last4: '7890' });
    const replaced = await lab.send('PUT', path, { key: `${canary}-4321` });
    const list = await lab.send('GET', '/v1/provider-keys');
    expect((list.body as { data: object[] }).data).toEqual([replaced.body]);
    const { rows } = await lab.calls.db.pool.query('select * from provider_keys');
    expect(JSON.stringify([rows, set.text, replaced.text, list.text])).not.toContain(canary);
    expect((await lab.send('PUT', '/v1/provider-keys/nobody', { key: 'x' })).status).toBe(400);
    expect((await lab.send('PUT', path, { key: 'sk-1234\n' })).status).toBe(400);
    expect((await lab.send('DELETE', path)).status).toBe(204);
    expect((await lab.send('DELETE', path)).status).toBe(404);
  });

  it('shows nothing of a key so short that four characters would say much', async () => {
    const { body } = await lab.send('PUT', '/v1/provider-keys/openai', { key: 'sk-12345678' });
    expect(body).toMatchObject({ last4: '' });
  });
});
