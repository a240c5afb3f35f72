import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as calls from '../../db/queries/calls.ts';
import { idOfUuid } from '../../shared/ids.ts';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';
import { bolnaDocument } from './testing/bolna-document.ts';

type Body = Record<string, unknown>;

let lab: ApiLab;
let agent: string;
beforeAll(async () => {
  lab = await openApiLab();
  const made = await lab.send('POST', '/v2/agent', bolnaDocument({ llm: 'fake' }));
  agent = (made.body as { agent_id: string }).agent_id;
});
afterAll(() => lab.close());

async function placed(body: object = {}): Promise<string> {
  const answer = await lab.send('POST', '/call', {
    agent_id: agent,
    recipient_phone_number: '+15005550101',
    ...body,
  });
  expect(answer.status, answer.text).toBe(200);
  return (answer.body as { execution_id: string }).execution_id;
}

async function rowOf(execution: string): Promise<calls.CallRow> {
  const row = await calls.get(lab.context.database.pool, idOfUuid('call', execution) ?? '');
  if (!row) throw new Error(`expected a call for ${execution}, got none`);
  return row;
}

describe('POST /call', () => {
  it('answers with the execution and stores the call with its variables', async () => {
    const answer = await lab.send('POST', '/call', {
      agent_id: agent,
      recipient_phone_number: '+15005550101',
      user_data: { plan: 'gold', visits: 3 },
    });
    expect(answer.body).toEqual({
      message: 'done',
      status: 'queued',
      execution_id: expect.any(String),
    });
    const row = await rowOf((answer.body as { execution_id: string }).execution_id);
    expect(row).toMatchObject({
      door: 'bolna',
      toNumber: '+15005550101',
      variables: { plan: 'gold', visits: 3 },
    });
  });

  it('takes the other spelling of recipient and caller', async () => {
    const answer = await lab.send('POST', '/call', {
      agent_id: agent,
      recipient: { phone_number: '+15005550101', name: 'Rahul Sharma' },
      from_number: '+15005550199',
    });
    // The lab has no sandbox: what counts is that the number was read and looked for.
    expect([200, 422]).toContain(answer.status);
    const row = await rowOf(
      await placed({ recipient: { phone_number: '+15005550101', name: 'Rahul Sharma' } }),
    );
    expect(row.variables).toMatchObject({
      name: 'Rahul Sharma',
      recipient: { name: 'Rahul Sharma' },
    });
  });

  it('reads a time with an offset, and one without as UTC', async () => {
    const timed = async (text: string): Promise<string | undefined> =>
      (await rowOf(await placed({ scheduled_at: text }))).scheduledAt?.toISOString();
    expect(await timed('2027-03-01T10:00:00+05:30')).toBe('2027-03-01T04:30:00.000Z');
    expect(await timed('2027-03-01T10:00:00')).toBe('2027-03-01T10:00:00.000Z');
    const wrong = await lab.send('POST', '/call', {
      agent_id: agent,
      recipient_phone_number: '+15005550101',
      scheduled_at: 'tomorrow',
    });
    expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('scheduled_at')]);
  });

  it('turns retry_config into a policy, minutes into seconds', async () => {
    const row = await rowOf(
      await placed({
        retry_config: {
          enabled: true,
          max_retries: 2,
          retry_on_statuses: ['busy', 'no-answer'],
          retry_on_voicemail: true,
          retry_intervals_minutes: [15, 30],
        },
      }),
    );
    expect(row.retry).toMatchObject({
      on: ['busy', 'no-answer', 'voicemail'],
      intervals_s: [900, 1_800],
      max_attempts: 3,
    });
    expect((await rowOf(await placed({ retry_config: { enabled: false } }))).retry).toBeNull();
  });

  it('calls in the agent’s hours only, unless the call leaves them out', async () => {
    const made = await lab.send(
      'POST',
      '/v2/agent',
      bolnaDocument({
        llm: 'fake',
        config: { calling_guardrails: { call_start_hour: 9, call_end_hour: 18 } },
      }),
    );
    const { agent_id } = made.body as { agent_id: string };
    expect((await rowOf(await placed({ agent_id }))).callingWindow).toEqual([
      { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '09:00', to: '18:00' },
    ]);
    const bypassed = await rowOf(await placed({ agent_id, bypass_call_guardrails: true }));
    expect(bypassed.callingWindow).toBeNull();
  });

  it('answers a repeated Idempotency-Key with the same execution', async () => {
    const send = (body: object): ReturnType<ApiLab['send']> =>
      lab.send('POST', '/call', body, {
        authorization: `Bearer ${lab.key}`,
        'idempotency-key': 'order-7',
      });
    const body = { agent_id: agent, recipient_phone_number: '+15005550101' };
    const [first, again] = [await send(body), await send(body)];
    expect(again.body).toEqual(first.body);
    const other = await send({ ...body, recipient_phone_number: '+15005550102' });
    expect(other.status).toBe(400);
  });

  it('refuses by name what is missing, malformed, unknown or not ours', async () => {
    const refused = async (body: object, status: number, words: string): Promise<void> => {
      const answer = await lab.send('POST', '/call', body);
      expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)]);
    };
    const to = { recipient_phone_number: '+15005550101' };
    await refused({ agent_id: agent }, 422, 'recipient_phone_number');
    await refused({ agent_id: agent, recipient_phone_number: '15005550101' }, 422, 'E.164');
    await refused({ ...to }, 422, 'agent_id');
    await refused({ ...to, agent_id: agent, colour: 'red' }, 422, 'colour');
    await refused({ ...to, agent_id: agent, agent_data: { voice_id: 'x' } }, 422, 'agent_data');
    await refused({ ...to, agent_id: 'agt-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx' }, 404, 'agt-xxxx');
    await refused({ ...to, agent_id: agent, from_phone_number: '+14155550188' }, 422, 'from');
    const other = { authorization: `Bearer ${lab.otherKey}` };
    expect((await lab.send('POST', '/call', { ...to, agent_id: agent }, other)).status).toBe(404);
  });
});

/** Links to recordings are signed by the second. */
function unsigned(body: unknown): Body {
  return JSON.parse(JSON.stringify(body).replaceAll(/\?expires=[^"]*/g, '')) as Body;
}

describe('an execution', () => {
  it('goes through its statuses and has null or 0 until it is completed', async () => {
    const id = await placed();
    const call = idOfUuid('call', id) ?? '';
    const shown = async (): Promise<Body> =>
      (await lab.send('GET', `/executions/${id}`)).body as Body;
    expect(await shown()).toMatchObject({ id, agent_id: agent, status: 'queued', total_cost: 0 });
    await lab.playCall(call);
    const done = await shown();
    expect(done).toMatchObject({
      status: 'completed',
      conversation_duration: 12.3,
      total_cost: 0.42,
      transcript: expect.stringMatching(/^assistant: Hello Maria.*\nuser: Yes, that is right\.\n/),
      telephony_data: {
        duration: '13',
        call_type: 'outbound',
        hangup_by: 'Callee',
        hangup_reason: 'Call recipient hung up',
        recording_url: expect.stringContaining(call),
      },
    });
    const status = (await lab.send('GET', `/call/${id}/status`)).body;
    expect(unsigned(status)).toEqual({ execution_id: id, ...unsigned(done) });
    const execution = (await lab.send('GET', `/agent/${agent}/execution/${id}`)).body;
    expect(unsigned(execution)).toEqual(unsigned(done));
    // The execution is a call of /v1, by either spelling of its id.
    expect((await lab.send('GET', `/v1/calls/${id}`)).body).toMatchObject({ id: call });
    expect((await lab.send('GET', `/v1/agents/${agent}`)).body).toMatchObject({
      name: 'Front desk',
    });
  });

  it('is listed by agent, in pages, by status and by time', async () => {
    const page = async (query: string): Promise<Body & { data: Body[] }> => {
      const answer = await lab.send('GET', `/v2/agent/${agent}/executions${query}`);
      expect(answer.status, answer.text).toBe(200);
      return answer.body as Body & { data: Body[] };
    };
    const first = await page('?page_size=2');
    expect(first).toMatchObject({ page_number: 1, page_size: 2, has_more: true });
    expect(first.data).toHaveLength(2);
    const second = await page('?page_number=2&page_size=2');
    expect(second['total']).toBe(first['total']);
    const ids = [...first.data, ...second.data].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await page('?page_size=500'))['page_size']).toBe(50);
    for (const behind of ['?page_number=999', '?page_number=50&page_size=10']) {
      const { total, has_more: hasMore, data } = await page(behind);
      expect([total, hasMore, data]).toEqual([first['total'], false, []]);
    }

    const completed = await page('?status=completed');
    expect(completed.data.map(({ status }) => status)).toEqual(['completed']);
    expect((await page('?call_type=inbound'))['total']).toBe(0);
    expect((await page('?provider=plivo'))['total']).toBe(0);
    expect((await page('?provider=sip-trunk'))['total']).toBe(first['total']);
    expect((await page('?answered_by_voice_mail=true'))['total']).toBe(0);
    expect((await page('?answered_by_voice_mail=false'))['total']).toBe(first['total']);
    expect((await page('?to=2020-01-01T00:00:00Z'))['total']).toBe(0);
    const wrong = await lab.send('GET', `/v2/agent/${agent}/executions?status=weird`);
    expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('status')]);

    const all = (await lab.send('GET', '/executions')).body as { total: number };
    expect(all.total).toBeGreaterThanOrEqual(Number(first['total']));
    expect((await lab.send('GET', `/agent/${agent}/executions`)).body).toBeInstanceOf(Array);
  });

  it('has a log of who said what and where the call was', async () => {
    const { data } = (await lab.send('GET', `/v2/agent/${agent}/executions?status=completed`))
      .body as { data: { id: string }[] };
    const answer = await lab.send('GET', `/executions/${data[0]?.id}/log`);
    const log = answer.body as { status: string; data: Body[] };
    expect(log.status).toBe('success');
    expect(log.data.map(({ component, data: told }) => [component, told])).toEqual(
      expect.arrayContaining([
        ['telephony', 'ringing'],
        ['transcriber', 'Yes, that is right.'],
        ['llm', 'Thank you. Goodbye.'],
      ]),
    );
  });

  it('is stopped where it waits, and not twice', async () => {
    const id = await placed({ scheduled_at: '2027-03-01T10:00:00Z' });
    expect((await lab.send('POST', `/call/${id}/stop`)).body).toEqual({
      message: 'done',
      status: 'stopped',
      execution_id: id,
    });
    expect((await lab.send('GET', `/executions/${id}`)).body).toMatchObject({ status: 'canceled' });
    const again = await lab.send('POST', `/call/${id}/stop`);
    expect([again.status, again.text]).toEqual([400, expect.stringContaining('canceled')]);
  });

  it('of another workspace is not there', async () => {
    const id = await placed();
    const other = { authorization: `Bearer ${lab.otherKey}` };
    for (const [method, url] of [
      ['GET', `/executions/${id}`],
      ['GET', `/executions/${id}/log`],
      ['GET', `/call/${id}/status`],
      ['POST', `/call/${id}/stop`],
    ] as const) {
      expect((await lab.send(method, url, undefined, other)).status, url).toBe(404);
    }
  });
});

describe('a call that is put off when it is placed', () => {
  it('names the guardrail and says what it said, here and in /v1', async () => {
    const cap = (micros: number | null) =>
      lab.send('PATCH', '/v1/guardrails', { spend_caps: { workspace: { hour_micros: micros } } });
    await cap(0);
    const execution = await placed();
    await cap(null);
    const shown = await lab.send('GET', `/executions/${execution}`);
    expect(shown.body).toMatchObject({
      status: 'rescheduled',
      error_message: 'guardrail G04 (spend cap)',
    });
    const log = await lab.send('GET', `/executions/${execution}/log`);
    const { data } = log.body as { data: { component: string; data: string }[] };
    expect(data.map(({ component }) => component)).toEqual(['telephony', 'warning']);
    expect(data[1]?.data).toContain('G04: the workspace’s spend cap of 0 micros');
    const { id } = await rowOf(execution);
    const native = await lab.send('GET', `/v1/calls/${id}`);
    expect(native.body).toMatchObject({ status: 'rescheduled', guardrail: 'G04' });
  });
});

describe('POST /v1/call/{run_id}/events', () => {
  it('says that there is no such live call, or that events change nothing', async () => {
    const none = await lab.send('POST', '/v1/call/b7140255-af33-4608-8e97-04dd944b8e48/events', {
      event: 'paid',
    });
    expect(none.status).toBe(404);
    expect(none.body).toMatchObject({ detail: 'No active call found for this run_id' });
    const id = await placed();
    const live = await lab.send('POST', `/v1/call/${id}/events`, { event: 'paid' });
    expect(live.status).toBe(501);
  });
});

describe('what is not there', () => {
  it('is refused in words, also as a form with a file', async () => {
    for (const [method, url, words] of [
      ['GET', `/batches/${'0'.repeat(32)}`, 'POST /call'],
      ['GET', '/knowledgebase/all', 'system_prompt'],
      ['GET', '/violations/list', 'Bolna'],
      ['GET', '/phone-numbers/search?country=US', 'carrier'],
      ['POST', '/phone-numbers/buy', 'carrier'],
    ] as const) {
      const answer = await lab.send(method, url, method === 'POST' ? {} : undefined);
      expect([answer.status, answer.text]).toEqual([501, expect.stringContaining(words)]);
    }
    const form = await lab.app.inject({
      method: 'POST',
      url: '/batches',
      headers: {
        authorization: `Bearer ${lab.key}`,
        'content-type': 'multipart/form-data; boundary=x',
      },
      payload: '--x\r\nContent-Disposition: form-data; name="agent_id"\r\n\r\n1\r\n--x--\r\n',
    });
    expect(form.statusCode).toBe(501);
  });
});
