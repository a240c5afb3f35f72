import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as deliveries from '../../db/queries/webhook-deliveries.ts';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';

const URL = 'https://hooks.example.com/trunkline';
let lab: ApiLab;

beforeAll(async () => {
  lab = await openApiLab();
});

afterAll(async () => {
  await lab.close();
});

type Body = Record<string, unknown>;

async function created(body: Body = {}): Promise<Body> {
  const answer = await lab.send('POST', '/v1/webhooks', { url: URL, ...body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body as Body;
}

const asOther = (): object => ({ authorization: `Bearer ${lab.otherKey}` });

describe('/v1/webhooks', () => {
  it('shows the secret when it is made and when it is replaced, and never again', async () => {
    const made = await created({ description: 'orders', events: ['call.status'] });
    const secret = String(made['secret']);
    expect(secret).toMatch(/^whsec_/);
    const read = await lab.send('GET', `/v1/webhooks/${String(made['id'])}`);
    expect(read.text).not.toContain(secret.slice(6));
    expect(read.body).toMatchObject({ url: URL, events: ['call.status'], enabled: true });
    const rotated = await lab.send('POST', `/v1/webhooks/${String(made['id'])}/rotate`, {});
    expect(rotated.status).toBe(200);
    expect((rotated.body as Body)['secret']).not.toBe(secret);
    for (const type of ['application/json', undefined]) {
      const headers = {
        authorization: `Bearer ${lab.key}`,
        ...(type && { 'content-type': type, 'content-length': '0' }),
      };
      const url = `/v1/webhooks/${String(made['id'])}/rotate`;
      const answer = await lab.send('POST', url, undefined, headers);
      expect([type, answer.status, answer.text]).toEqual([
        type,
        200,
        expect.stringContaining('whsec_'),
      ]);
    }
    const { rows } = await lab.calls.db.pool.query('select * from webhook_endpoints');
    expect(JSON.stringify(rows)).not.toContain(secret.slice(6));
  });

  it.each([
    [{ url: 'http://127.0.0.1/' }, 'url'],
    [{ url: 'http://2130706433/' }, 'url'],
    [{ url: 'ftp://example.com/' }, 'url'],
    [{ url: 'nonsense' }, 'url'],
    [{ url: URL, events: ['call.nonsense'] }, 'events'],
    [{ url: URL, format: 'bolti', events: ['call.status'] }, 'events'],
    [{ url: URL, secret: 'short' }, 'secret'],
    [{ url: URL, format: 'soap' }, 'format'],
    [{ url: URL, colour: 'red' }, 'colour'],
    [{}, 'url'],
  ])('refuses %j and names the field', async (body, field) => {
    const answer = await lab.send('POST', '/v1/webhooks', body);
    expect(answer.status).toBe(400);
    expect((answer.body as { error: { details: { field: string }[] } }).error.details).toEqual([
      expect.objectContaining({ field }),
    ]);
  });

  it('are at most 50, however many are made at once, and test messages do not pile up', async () => {
    const { body } = await lab.send('POST', '/v1/workspaces', { name: 'Many' });
    const { api_key: first } = body as { api_key: { key: string } };
    const headers = {
      authorization: `Bearer ${first.key}`,
      'content-type': 'application/json',
    };
    const answers = await Promise.all(
      Array.from({ length: 70 }, () => lab.send('POST', '/v1/webhooks', { url: URL }, headers)),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(50);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(20);
    const [{ id }] = made.map((answer) => answer.body) as [{ id: string }];
    const statuses: number[] = [];
    for (let n = 0; n < 21; n++) {
      const test = await lab.send('POST', `/v1/webhooks/${id}/test`, undefined, headers);
      statuses.push(test.status);
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 202), 409]);
  });

  it('changes, lists and deletes', async () => {
    const id = String((await created())['id']);
    const changed = await lab.send('PATCH', `/v1/webhooks/${id}`, {
      enabled: false,
      events: ['call.turn'],
    });
    expect(changed.body).toMatchObject({
      enabled: false,
      events: ['call.turn'],
      disabled_reason: 'api',
    });
    const again = await lab.send('PATCH', `/v1/webhooks/${id}`, { enabled: true });
    expect(again.body).toMatchObject({ enabled: true, disabled_at: null, disabled_reason: null });
    const list = (await lab.send('GET', '/v1/webhooks')).body as { data: Body[] };
    expect(list.data.map((one) => one['id'])).toContain(id);
    expect((await lab.send('DELETE', `/v1/webhooks/${id}`)).status).toBe(204);
    expect((await lab.send('GET', `/v1/webhooks/${id}`)).status).toBe(404);
    expect((await lab.send('DELETE', `/v1/webhooks/${id}`)).status).toBe(404);
  });

  it('shows deliveries, sends them again and takes tests, within the workspace only', async () => {
    const id = String((await created({ events: ['call.queued'] }))['id']);
    const callId = await lab.placeCall();
    const tested = await lab.send('POST', `/v1/webhooks/${id}/test`);
    expect(tested.status).toBe(202);
    const list = await lab.send('GET', `/v1/webhooks/${id}/deliveries?state=pending`);
    const { data } = list.body as { data: Body[] };
    // Newest first.
    expect(data.map((one) => [one['event_type'], one['call_id']])).toEqual([
      ['webhook.test', null],
      ['call.queued', callId],
    ]);
    const found = data.find((one) => one['call_id'] === callId);
    const path = `/v1/webhook-deliveries/${String(found?.['id'])}`;
    await deliveries.failPending(lab.calls.db.pool, id, new Date());
    expect((await lab.send('GET', path)).body).toMatchObject({ state: 'failed' });
    expect((await lab.send('POST', `${path}/replay`)).body).toMatchObject({ state: 'pending' });
    const since = new Date(Date.now() - 60_000).toISOString();
    const replayed = await lab.send('POST', `/v1/webhooks/${id}/replay`, { since });
    expect(replayed.body).toEqual({ replayed: 1 });

    for (const [method, other] of [
      ['GET', `/v1/webhooks/${id}`],
      ['PATCH', `/v1/webhooks/${id}`],
      ['DELETE', `/v1/webhooks/${id}`],
      ['POST', `/v1/webhooks/${id}/rotate`],
      ['POST', `/v1/webhooks/${id}/test`],
      ['GET', `/v1/webhooks/${id}/deliveries`],
      ['GET', path],
      ['POST', `${path}/replay`],
    ] as const) {
      const body = method === 'PATCH' || other.endsWith('rotate') ? {} : undefined;
      const answer = await lab.send(method, other, body, asOther());
      expect(answer.status, `${method} ${other}`).toBe(404);
    }
  });

  it('does not send to one that is disabled', async () => {
    const id = String((await created({ enabled: false }))['id']);
    const answer = await lab.send('POST', `/v1/webhooks/${id}/test`);
    expect([answer.status, (answer.body as { error: Body }).error['code']]).toEqual([
      409,
      'conflict',
    ]);
  });
});

describe('the webhook of an agent', () => {
  it('is an endpoint as long as the agent names it, and gets that agent’s calls only', async () => {
    const agent = { name: 'hooked', type: 'llm', llm: { provider: 'fake' } };
    const made = await lab.send('POST', '/v1/agents', {
      ...agent,
      webhook: { url: URL, format: 'bolna' },
      secrets: { WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
    });
    expect(made.status, made.text).toBe(201);
    const agentId = String((made.body as Body)['id']);
    expect(made.body).toMatchObject({
      webhook: { url: URL, format: 'bolna', events: [] },
      secrets: ['WEBHOOK_SECRET'],
    });
    const mine = async (): Promise<Body | undefined> =>
      ((await lab.send('GET', '/v1/webhooks')).body as { data: Body[] }).data.find(
        (one) => one['agent_id'] === agentId,
      );
    const endpoint = await mine();
    expect(endpoint).toMatchObject({ url: URL, format: 'bolna', enabled: true });
    const id = String(endpoint?.['id']);
    await lab.placeCall();
    const callId = await lab.placeCall({ agent_id: agentId });
    const listed = await lab.send('GET', `/v1/webhooks/${id}/deliveries`);
    const { data } = listed.body as { data: Body[] };
    expect(data.map((one) => one['call_id'])).toEqual([callId]);
    expect((await lab.send('DELETE', `/v1/webhooks/${id}`)).status).toBe(409);

    const other = { url: `${URL}/2`, format: 'trunkline', events: ['call.status'] };
    await lab.send('PATCH', `/v1/agents/${agentId}`, { webhook: other });
    expect(await mine()).toMatchObject(other);
    await lab.send('PATCH', `/v1/agents/${agentId}`, { webhook: null });
    expect(await mine()).toBeUndefined();
  });

  it('is refused where it would never be asked', async () => {
    const agent = { name: 'inside', type: 'llm', webhook: { url: 'http://169.254.169.254/' } };
    const answer = await lab.send('POST', '/v1/agents', agent);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('webhook.url');
    const events = { ...agent, webhook: { url: URL, format: 'bolti', events: ['nonsense'] } };
    expect((await lab.send('POST', '/v1/agents', events)).text).toContain('conversation.completed');
  });
});
