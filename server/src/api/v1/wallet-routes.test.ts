import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type Answer, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

const error = (code: string) => ({ error: { code } });
const send = (method: string, url: string, body?: unknown, headers?: object): Promise<Answer> =>
  lab.send(method, url, body, headers);
const keyed = (key: string) => ({
  authorization: `Bearer ${lab.key}`,
  'content-type': 'application/json',
  'idempotency-key': key,
});
const asOther = () => ({
  authorization: `Bearer ${lab.otherKey}`,
  'content-type': 'application/json',
});

describe('/v1/wallet', () => {
  it('begins unlimited and empty, and changes what is named', async () => {
    expect((await send('GET', '/v1/wallet')).body).toEqual({
      balance_micros: 0,
      held_micros: 0,
      available_micros: 0,
      mode: 'unlimited',
      currency: 'USD',
      thresholds_micros: [],
    });
    const changed = await send('PATCH', '/v1/wallet', { thresholds_micros: [100] });
    expect(changed.body).toMatchObject({ mode: 'unlimited', thresholds_micros: [100] });
    const unknown = await send('PATCH', '/v1/wallet', { balance_micros: 5 });
    expect([unknown.status, unknown.body]).toEqual([
      400,
      {
        error: expect.objectContaining({
          message: expect.stringContaining('balance_micros') as string,
        }) as object,
      },
    ]);
  });

  it('books a top-up once under one key, and shows its entries add up to zero', async () => {
    const first = await send('POST', '/v1/wallet/top-ups', { amount_micros: 500 }, keyed('t1'));
    const again = await send('POST', '/v1/wallet/top-ups', { amount_micros: 500 }, keyed('t1'));
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    const other = await send('POST', '/v1/wallet/top-ups', { amount_micros: 501 }, keyed('t1'));
    expect([other.status, other.body]).toMatchObject([409, error('idempotency_mismatch')]);
    const { body } = await send('GET', '/v1/wallet/entries?kind=top-up');
    const { data } = body as { data: { amount_micros: number; account: string }[] };
    expect(data.map(({ account }) => account).sort()).toEqual(['available', 'funding']);
    expect(data.reduce((sum, entry) => sum + entry.amount_micros, 0)).toBe(0);
    const otherEntries = await send('GET', '/v1/wallet/entries', undefined, asOther());
    expect(otherEntries.body).toEqual({ data: [], next_cursor: null });
  });

  it.each([
    ['POST', '/v1/wallet/top-ups', { amount_micros: 0 }, 400, 'invalid_request'],
    ['POST', '/v1/wallet/top-ups', { amount_micros: 1.5 }, 400, 'invalid_request'],
    ['POST', '/v1/wallet/refunds', {}, 400, 'invalid_request'],
    ['POST', '/v1/wallet/refunds', { call_id: 'call_x' }, 409, 'conflict'],
    ['GET', '/v1/wallet/entries?cursor=x', undefined, 400, 'invalid_request'],
  ])('%s %s %j answers %d', async (method, url, body, status, code) => {
    const answer = await send(method, url, body);
    expect([answer.status, answer.body]).toMatchObject([status, error(code)]);
  });

  it('pages through entries without losing or repeating one', async () => {
    for (const key of ['p1', 'p2', 'p3']) {
      await send('POST', '/v1/wallet/top-ups', { amount_micros: 1 }, keyed(key));
    }
    const seen: string[] = [];
    for (let url: string | null = '/v1/wallet/entries?limit=3'; url !== null;) {
      const { body } = await send('GET', url);
      const page = body as { data: { id: string }[]; next_cursor: string | null };
      seen.push(...page.data.map(({ id }) => id));
      url = page.next_cursor && `/v1/wallet/entries?limit=3&cursor=${page.next_cursor}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(8);
  });

  it('books money only for keys with the scope billing', async () => {
    const made = (
      await send('POST', '/v1/keys', { name: 'reader', scopes: ['read', 'write', 'calls'] })
    ).body as { key: string };
    const headers = {
      authorization: `Bearer ${made.key}`,
      'content-type': 'application/json',
    };
    for (const [method, url, body] of [
      ['POST', '/v1/wallet/top-ups', { amount_micros: 1 }],
      ['POST', '/v1/wallet/refunds', { amount_micros: 1 }],
      ['PATCH', '/v1/wallet', { mode: 'unlimited' }],
      ['POST', '/v1/rates', { kind: 'platform', unit: 'minute', micros_per_unit: 0 }],
    ] as const) {
      const answer = await send(method, url, body, headers);
      expect([url, answer.status]).toEqual([url, 403]);
    }
    expect((await send('GET', '/v1/wallet', undefined, headers)).status).toBe(200);
  });
});

describe('/v1/rates', () => {
  const rate = { kind: 'network', unit: 'minute', micros_per_unit: 700, prefix: '49' };

  it('are made, changed and deleted, and belong to their workspace', async () => {
    const made = await send('POST', '/v1/rates', rate);
    expect([made.status, made.body]).toMatchObject([
      201,
      { scope: 'workspace', provider: '*', prefix: '49', micros_per_unit: 700 },
    ]);
    const { id } = made.body as { id: string };
    expect((await send('POST', '/v1/rates', rate)).status).toBe(409);
    const changed = await send('PATCH', `/v1/rates/${id}`, { micros_per_unit: 800 });
    expect(changed.body).toMatchObject({ id, micros_per_unit: 800 });
    for (const method of ['GET', 'DELETE']) {
      const other = await send(method, `/v1/rates/${id}`, undefined, asOther());
      expect([method, other.status]).toEqual([method, 404]);
    }
    expect((await send('DELETE', `/v1/rates/${id}`)).status).toBe(204);
    expect((await send('GET', `/v1/rates/${id}`)).status).toBe(404);
  });

  it('of a trunk need one that is there', async () => {
    const made = await send('POST', '/v1/rates', { ...rate, provider: lab.trunkId });
    expect([made.status, made.body]).toMatchObject([201, { provider: lab.trunkId }]);
    for (const provider of ['trunk_none', 'plivo']) {
      const answer = await send('POST', '/v1/rates', { ...rate, provider });
      expect([answer.status, answer.body]).toMatchObject([
        404,
        { error: { code: 'trunk_not_found', details: [{ field: 'provider' }] } },
      ]);
    }
    const own = { ...rate, provider: lab.trunkId, prefix: '41' };
    expect((await send('POST', '/v1/rates', own, asOther())).status).toBe(404);
  });

  it('of the platform are set by the first workspace and read by all', async () => {
    const made = await send('POST', '/v1/rates', { ...rate, scope: 'platform' });
    const { id } = made.body as { id: string };
    const read = await send('GET', `/v1/rates/${id}`, undefined, asOther());
    expect(read.body).toMatchObject({ id, scope: 'platform', micros_per_unit: 700 });
    for (const [method, body] of [
      ['PATCH', { micros_per_unit: 1 }],
      ['DELETE', undefined],
    ] as const) {
      const answer = await send(method, `/v1/rates/${id}`, body, asOther());
      expect([method, answer.status]).toEqual([method, 403]);
    }
    const listed = await send('GET', '/v1/rates', undefined, asOther());
    expect((listed.body as { data: object[] }).data).toMatchObject([{ id }]);
  });

  it.each([
    [{ ...rate, kind: 'platform' }, 'prefix'],
    [{ kind: 'platform', unit: 'character', micros_per_unit: 1 }, 'unit'],
    [{ ...rate, prefix: '+49' }, 'prefix'],
    [{ ...rate, micros_per_unit: -1 }, 'micros_per_unit'],
    [{ ...rate, price: 1 }, 'price'],
  ])('%j is refused, naming the field', async (body, field) => {
    const answer = await send('POST', '/v1/rates', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: { details: [{ field }] } });
  });
});

describe('a prepaid workspace', () => {
  it('cannot call what it cannot pay, and its reserved money comes back with a cancellation', async () => {
    await send('PATCH', '/v1/wallet', { mode: 'prepaid' });
    await send('POST', '/v1/rates', { kind: 'platform', unit: 'minute', micros_per_unit: 400 });
    const { available_micros: before } = (await send('GET', '/v1/wallet')).body as {
      available_micros: number;
    };
    const id = await lab.placeCall();
    expect((await send('GET', '/v1/wallet')).body).toMatchObject({
      held_micros: 400,
      available_micros: before - 400,
    });
    const refused = await send('POST', '/v1/calls', { to: '+15005550101' });
    expect([refused.status, refused.body]).toMatchObject([402, error('insufficient_credit')]);
    await send('POST', `/v1/calls/${id}/hangup`);
    expect((await send('GET', '/v1/wallet')).body).toMatchObject({
      held_micros: 0,
      available_micros: before,
    });
    await send('PATCH', '/v1/wallet', { mode: 'unlimited' });
  });
});

describe('the money of a sub-account', () => {
  it('is set by its parent and looked at by both', async () => {
    const made = await send('POST', '/v1/workspaces', { name: 'Sub' });
    const { id, api_key: first } = made.body as { id: string; api_key: { key: string } };
    const asChild = {
      authorization: `Bearer ${first.key}`,
      'content-type': 'application/json',
    };
    const rate = { kind: 'platform', unit: 'minute', micros_per_unit: 400 };
    const whose = `?workspace_id=${id}`;
    for (const query of ['', whose]) {
      for (const [method, url, body] of [
        ['PATCH', '/v1/wallet', { mode: 'unlimited' }],
        ['POST', '/v1/wallet/top-ups', { amount_micros: 1 }],
        ['POST', '/v1/wallet/refunds', { amount_micros: 1 }],
        ['POST', '/v1/rates', rate],
      ] as const) {
        const refused = await send(method, url + query, body, asChild);
        expect([url, refused.status, refused.body]).toMatchObject([url, 403, error('forbidden')]);
      }
    }
    expect((await send('PATCH', `/v1/wallet${whose}`, { mode: 'prepaid' })).status).toBe(200);
    const paid = await send('POST', `/v1/wallet/top-ups${whose}`, { amount_micros: 900 });
    expect(paid.status).toBe(201);
    const priced = await send('POST', `/v1/rates${whose}`, rate);
    const { id: rateId } = priced.body as { id: string };
    for (const [method, body] of [
      ['PATCH', { micros_per_unit: 0 }],
      ['DELETE', undefined],
    ] as const) {
      const refused = await send(method, `/v1/rates/${rateId}`, body, asChild);
      expect([method, refused.status]).toEqual([method, 403]);
    }
    expect((await send('PATCH', '/v1/wallet', { thresholds_micros: [5] }, asChild)).body).toEqual({
      ...((await send('GET', `/v1/wallet${whose}`)).body as object),
      mode: 'prepaid',
      balance_micros: 900,
      thresholds_micros: [5],
    });
    expect((await send('GET', `/v1/rates/${rateId}`)).status).toBe(404);
    expect((await send('GET', `/v1/rates/${rateId}${whose}`)).status).toBe(200);
    expect((await send('DELETE', `/v1/rates/${rateId}${whose}`)).status).toBe(204);
  });

  it('is not there for strangers', async () => {
    const whose = `?workspace_id=${lab.workspaceId}`;
    for (const [method, url, body] of [
      ['GET', '/v1/wallet', undefined],
      ['GET', '/v1/wallet/entries', undefined],
      ['GET', '/v1/rates', undefined],
      ['PATCH', '/v1/wallet', { thresholds_micros: [] }],
      ['POST', '/v1/wallet/top-ups', { amount_micros: 1 }],
      ['POST', '/v1/wallet/refunds', { amount_micros: 1 }],
      ['POST', '/v1/rates', { kind: 'platform', unit: 'minute', micros_per_unit: 0 }],
    ] as const) {
      const answer = await send(method, url + whose, body, asOther());
      expect([url, answer.status]).toEqual([url, 404]);
    }
  });
});
