import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB_FROM, openApiLab, type Answer, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
let base: string;
beforeAll(async () => {
  lab = await openApiLab();
  base = `/workspaces/${lab.workspaceId}`;
});
afterAll(() => lab.close());

type Body = Record<string, unknown>;

function send(method: string, path: string, body?: unknown, headers?: object): Promise<Answer> {
  return lab.send(method, `${base}${path}`, body, headers);
}

async function made(path: string, body: unknown): Promise<Body & { id: string }> {
  const answer = await send('POST', path, body);
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status} ${answer.text}`);
  return answer.body as Body & { id: string };
}

async function numberId(): Promise<string> {
  const { body } = await send('GET', '/phone-numbers');
  const { data } = body as { data: { id: string; phone_number: string }[] };
  const found = data.find(({ phone_number: number }) => number === LAB_FROM);
  return found?.id ?? '';
}

describe('Bolti’s outbound call', () => {
  it('answers with the conversation at once, and shows it through its life', async () => {
    const { conversation_id: id } = await made(`/agents/${lab.agentId}/outbound-call`, {
      to_number: '+15005550101',
      agent_phone_number_id: await numberId(),
      variable_values: { name: 'Priya', appointment_date: 'April 28' },
    });
    const before = await send('GET', `/conversations/${String(id)}`);
    expect(before.body).toMatchObject({
      conversation_id: id,
      agent_id: lab.agentId,
      direction: 'outbound',
      status: 'queued',
      outcome: null,
      duration_seconds: 0,
      transcript: [],
      recording_url: null,
      variable_values: { name: 'Priya', appointment_date: 'April 28' },
    });
    await lab.playCall(String(id));
    const after = await send('GET', `/conversations/${String(id)}`);
    expect(after.body).toMatchObject({
      status: 'ended',
      outcome: 'completed',
      hangup_code: expect.any(String),
      transcript: [{ role: 'assistant' }, { role: 'user', text: 'Yes, that is right.' }, {}],
      recording_url: expect.stringMatching(/^http/),
    });
    const listed = await send('GET', `/conversations?agent_id=${lab.agentId}&outcome=completed`);
    expect(listed.body).toMatchObject({ data: [{ conversation_id: id }] });
  });

  it('is refused with 402 where the wallet does not cover it', async () => {
    const { wallet } = lab.context;
    await wallet.configure(lab.workspaceId, { mode: 'prepaid' });
    await lab.calls.db.pool.query(
      `insert into rates (id, kind, provider, unit, micros_per_unit)
       values ('rate_bolti', 'platform', '*', 'minute', 1000000)`,
    );
    const answer = await send('POST', `/agents/${lab.agentId}/outbound-call`, {
      to_number: '+15005550101',
    });
    expect([answer.status, answer.body]).toMatchObject([
      402,
      { error: { code: 'PAYMENT_REQUIRED', message: expect.any(String) } },
    ]);
    expect((await send('GET', '/credits')).body).toEqual({
      balance: '0.000000',
      available: '0.000000',
      reserved: '0.000000',
      currency: 'USD',
      unlimited: false,
    });
    await wallet.configure(lab.workspaceId, { mode: 'unlimited' });
  });

  it('is scheduled for a time of day in a zone, listed and canceled', async () => {
    const placed = await made(`/agents/${lab.agentId}/outbound-call`, {
      to_number: '+15005550101',
      scheduled_at: '2027-01-15T15:00:00',
      timezone: 'Asia/Kolkata',
    });
    expect(placed).toMatchObject({
      status: 'scheduled',
      scheduled_at: '2027-01-15T09:30:00.000Z',
      scheduled_call_id: placed['conversation_id'],
    });
    const path = `/scheduled-calls/${String(placed['scheduled_call_id'])}`;
    expect((await send('GET', '/scheduled-calls')).body).toMatchObject({
      data: [{ scheduled_call_id: placed['scheduled_call_id'], to_number: '+15005550101' }],
    });
    expect((await send('DELETE', path)).body).toMatchObject({ status: 'canceled' });
    expect((await send('DELETE', path)).status).toBe(409);
    expect((await send('GET', '/scheduled-calls')).body).toMatchObject({ data: [] });
  });

  it.each([
    [{ to_number: '12345' }, 'INVALID_NUMBER'],
    [{ to_number: '+15005550101', colour: 'red' }, 'INVALID_REQUEST'],
    [{ to_number: '+15005550101', agent_phone_number_id: 'number_none' }, 'NOT_FOUND'],
    [{ to_number: '+15005550101', scheduled_at: '2020-01-01T00:00:00Z' }, 'INVALID_REQUEST'],
  ])('is refused for %j with %s', async (body, code) => {
    const answer = await send('POST', `/agents/${lab.agentId}/outbound-call`, body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body).toMatchObject({ error: { code } });
    const { details } = (answer.body as { error: { details: { field: string }[] } }).error;
    // Each is a field as it was written.
    for (const { field } of details) expect(Object.keys(body)).toContain(field);
  });
});

describe('Bolti’s resources', () => {
  it('belong to the workspace of the key only', async () => {
    expect((await lab.send('GET', '/workspaces')).body).toMatchObject({
      data: [{ id: lab.workspaceId }],
    });
    const other = { authorization: `Bearer ${lab.otherKey}` };
    for (const path of ['', '/agents', '/conversations', '/phone-numbers', '/webhooks']) {
      expect((await send('GET', path, undefined, other)).status).toBe(404);
    }
    expect((await lab.send('GET', base, undefined, { authorization: 'Bearer x' })).status).toBe(
      401,
    );
  });

  it('are agents that are made, changed and deleted', async () => {
    const agent = await made('/agents', {
      name: 'Sales',
      system_prompt: 'You sell tea to {{ name }}.',
      first_message: 'Hello {{ name }}!',
    });
    const path = `/agents/${agent.id}`;
    expect((await send('PATCH', path, { first_message: null, model: 'm' })).body).toMatchObject({
      name: 'Sales',
      system_prompt: 'You sell tea to {{ name }}.',
      first_message: null,
      model: 'm',
    });
    expect((await send('PATCH', path, { persona: 'kind' })).body).toMatchObject({
      error: { code: 'INVALID_REQUEST', details: [{ field: 'persona' }] },
    });
    expect((await send('DELETE', path)).status).toBe(204);
    expect((await send('GET', path)).body).toMatchObject({ error: { code: 'AGENT_NOT_FOUND' } });
  });

  it('are numbers that one agent answers at a time', async () => {
    const number = await made('/phone-numbers', {
      phone_number: '+14155550188',
      trunk_id: lab.trunkId,
    });
    expect(number).toMatchObject({ agent_id: null, phone_number: '+14155550188' });
    const path = `/phone-numbers/${number.id}`;
    expect((await send('PATCH', path, { agent_id: lab.agentId })).body).toMatchObject({
      agent_id: lab.agentId,
    });
    const second = await made('/agents', { name: 'two', system_prompt: 'x' });
    const moved = await send('POST', `/agents/${second.id}/phone-numbers`, {
      phone_number_id: number.id,
    });
    expect(moved.body).toMatchObject({ agent_id: second.id });
    const taken = { phone_number: '+14155550188', trunk_id: lab.trunkId };
    expect((await send('POST', '/phone-numbers', taken)).status).toBe(409);
    expect((await send('DELETE', path)).status).toBe(204);
    expect((await send('GET', path)).status).toBe(404);
  });

  it('are webhooks of allowed events, with a secret that is shown once', async () => {
    const hook = { url: 'https://example.com/hook', events: ['conversation.completed'] };
    const webhook = await made('/webhooks', hook);
    expect(webhook['secret']).toMatch(/^whsec_/);
    const path = `/webhooks/${webhook.id}`;
    const read = await send('GET', path);
    expect(read.body).toMatchObject({ ...hook, is_active: true });
    expect(read.text).not.toContain('whsec_');
    const wrong = await send('POST', '/webhooks', { ...hook, events: ['call.exploded'] });
    expect(wrong.body).toMatchObject({ error: { details: [{ field: 'events' }] } });
    const rotated = await send('POST', `${path}/rotate`);
    expect((rotated.body as Body)['secret']).not.toBe(webhook['secret']);
    expect((await send('POST', `${path}/test`)).body).toMatchObject({
      delivery_id: expect.any(String),
    });
    const since = { since: '2026-01-01T00:00:00Z' };
    expect((await send('POST', `${path}/replay`, since)).body).toEqual({ count: 0 });
    expect((await send('PATCH', path, { is_active: false })).body).toMatchObject({
      is_active: false,
    });
    expect((await send('DELETE', path)).status).toBe(204);
  });
});
