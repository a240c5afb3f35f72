import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as agents from '../../db/queries/agents.ts';
import * as calls from '../../db/queries/calls.ts';
import { LAB_FROM, openApiLab, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

const TO = '+15005550101';

function error(code: string, message: unknown, details: unknown = expect.anything()): object {
  return { error: { code, message, details } };
}

describe('POST /v1/calls', () => {
  it('places a call with nothing but a number, from the sandbox trunk with its agent', async () => {
    const { status, body } = await lab.send('POST', '/v1/calls', { to: TO });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^call_/),
      direction: 'outbound',
      status: 'queued',
      end_reason: null,
      ended_by: null,
      answered_by: null,
      sip: { code: null, reason: null },
      from: LAB_FROM,
      to: TO,
      agent_id: lab.agentId,
      trunk_id: lab.trunkId,
      variables: {},
      transcript: null,
      turns: [],
      recording_url: null,
      cost: null,
    });
  });

  it('takes spaces, dashes and parentheses out of the number', async () => {
    const { body } = await lab.send('POST', '/v1/calls', { to: '+1 (500) 555-0101' });
    expect(body).toMatchObject({ to: TO });
  });

  it('keeps the variables as they are given', async () => {
    const variables = { name: 'Márta', emoji: '😀', empty: '' };
    const { body } = await lab.send('POST', '/v1/calls', { to: TO, variables });
    expect(body).toMatchObject({ variables });
  });

  it('keeps a call for later when it is scheduled', async () => {
    const at = new Date(lab.context.clock.now() + 3_600_000).toISOString();
    const { status, body } = await lab.send('POST', '/v1/calls', { to: TO, scheduled_at: at });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      status: 'scheduled',
      timestamps: { scheduled_at: at, queued_at: null },
    });
  });

  it('refuses a schedule in the past or more than a year ahead', async () => {
    for (const scheduled_at of ['2001-01-01T00:00:00Z', '2101-01-01T00:00:00Z']) {
      const { status, body } = await lab.send('POST', '/v1/calls', { to: TO, scheduled_at });
      expect(status).toBe(400);
      expect(body).toMatchObject(error('invalid_request', expect.stringContaining(scheduled_at)));
    }
  });

  it('refuses what is no E.164 number and says which', async () => {
    for (const to of ['5005550101', '12345', '+0123456789', '+1 415 abc', 'sip:a@b']) {
      const { status, body } = await lab.send('POST', '/v1/calls', { to });
      expect([to, status]).toEqual([to, 400]);
      expect(body).toMatchObject(
        error('invalid_number', expect.stringContaining(`to '${to}'`), [
          { field: 'to', problem: expect.stringContaining('E.164') },
        ]),
      );
    }
    const { body } = await lab.send('POST', '/v1/calls', { to: TO, from: 'me' });
    expect(body).toMatchObject(error('invalid_number', expect.stringContaining("from 'me'")));
  });

  it('names the agent that does not exist', async () => {
    const { status, body } = await lab.send('POST', '/v1/calls', { to: TO, agent_id: 'agent_x' });
    expect(status).toBe(404);
    expect(body).toMatchObject(error('agent_not_found', expect.stringContaining('agent_x')));
  });

  it('names the from-number that is on no trunk', async () => {
    const { status, body } = await lab.send('POST', '/v1/calls', { to: TO, from: '+14155550123' });
    expect(status).toBe(403);
    expect(body).toMatchObject(error('guardrail', expect.stringContaining('from-number')));
    expect(body).toMatchObject({ error: { details: [{ field: 'from', rule: 'G10' }] } });
  });

  it('refuses a from-number whose trunk is switched off', async () => {
    await lab.send('PATCH', `/v1/trunks/${lab.trunkId}`, { active: false });
    const { status, body } = await lab.send('POST', '/v1/calls', { to: TO, from: LAB_FROM });
    await lab.send('PATCH', `/v1/trunks/${lab.trunkId}`, { active: true });
    expect(status).toBe(422);
    expect(body).toMatchObject(
      error('from_not_on_active_trunk', expect.stringContaining(LAB_FROM)),
    );
  });

  it('refuses an agent that cannot speak', async () => {
    // As an older version may have stored it.
    const { id } = await agents.insert(lab.context.database.pool, {
      id: 'agent_mute',
      workspaceId: lab.workspaceId,
      config: { name: 'mute', type: 'scripted' },
    });
    const { status, body } = await lab.send('POST', '/v1/calls', { to: TO, agent_id: id });
    expect(status).toBe(422);
    expect(body).toMatchObject(error('agent_not_ready', expect.stringContaining(id)));
  });

  it('refuses unknown fields by name, all of them at once', async () => {
    const { status, body } = await lab.send('POST', '/v1/calls', { to: TO, agent: 1, colour: 2 });
    expect(status).toBe(400);
    expect(body).toEqual(
      error('invalid_request', "unknown field 'agent'; unknown field 'colour'", [
        { field: 'agent', problem: 'unknown field' },
        { field: 'colour', problem: 'unknown field' },
      ]),
    );
  });

  it('says that the number is missing', async () => {
    const { status, body } = await lab.send('POST', '/v1/calls', {});
    expect(status).toBe(400);
    expect(body).toMatchObject(
      error('invalid_request', expect.stringMatching(/^to: /), [
        { field: 'to', problem: expect.any(String) },
      ]),
    );
  });

  it('answers a repeated idempotency key with the first call, as it is now', async () => {
    const headers = { authorization: `Bearer ${lab.key}`, 'idempotency-key': 'once' };
    const first = await lab.send('POST', '/v1/calls', { to: TO }, headers);
    const { id } = first.body as { id: string };
    await lab.playCall(id);
    const second = await lab.send('POST', '/v1/calls', { to: TO }, headers);
    expect(second.status).toBe(201);
    expect(second.body).toMatchObject({ id, status: 'completed' });
    expect((second.body as { turns: unknown[] }).turns).toHaveLength(3);
  });

  it('refuses an idempotency key that was used for another number', async () => {
    const headers = { authorization: `Bearer ${lab.key}`, 'idempotency-key': 'twice' };
    await lab.send('POST', '/v1/calls', { to: TO }, headers);
    const { status, body } = await lab.send('POST', '/v1/calls', { to: '+15005550102' }, headers);
    expect(status).toBe(409);
    expect(body).toMatchObject(error('idempotency_mismatch', expect.any(String)));
  });

  it('places one call when the same key comes several times at once', async () => {
    const headers = { authorization: `Bearer ${lab.key}`, 'idempotency-key': 'race' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => lab.send('POST', '/v1/calls', { to: TO }, headers)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => (body as { id: string }).id)).size).toBe(1);
  });
});

describe('GET /v1/calls', () => {
  it('pages through everything, newest first, nothing twice', async () => {
    const placed: string[] = [];
    for (let i = 0; i < 5; i++) placed.unshift(await lab.placeCall({ to: '+15005550109' }));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const at: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { status, body } = await lab.send('GET', `/v1/calls?to=%2B15005550109&limit=2${at}`);
      expect(status).toBe(200);
      const page = body as { data: { id: string }[]; next_cursor: string | null };
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(placed.sort().reverse());
  });

  it('filters by status, direction, agent, numbers and time', async () => {
    const id = await lab.placeCall({ to: '+15005550103' });
    await lab.send('POST', `/v1/calls/${id}/hangup`);
    const created = (await lab.calls.call(id)).createdAt;
    const after = encodeURIComponent(new Date(created.getTime() - 1).toISOString());
    const before = encodeURIComponent(new Date(created.getTime() + 1).toISOString());
    const found = await lab.send(
      'GET',
      `/v1/calls?status=canceled&direction=outbound&agent_id=${lab.agentId}&to=%2B15005550103` +
        `&from=%2B15005550199&created_after=${after}&created_before=${before}`,
    );
    expect((found.body as { data: unknown[] }).data).toHaveLength(1);
    const none = await lab.send('GET', `/v1/calls?direction=inbound&to=%2B15005550103`);
    expect(none.body).toEqual({ data: [], next_cursor: null });
  });

  it('filters by who answered', async () => {
    const id = await lab.placeCall({ to: '+15005550104' });
    await calls.update(lab.calls.db.pool, id, { answeredBy: 'voicemail' });
    const found = async (value: string): Promise<string[]> => {
      const { body } = await lab.send('GET', `/v1/calls?to=%2B15005550104&answered_by=${value}`);
      return (body as { data: { id: string }[] }).data.map((call) => call.id);
    };
    expect(await found('voicemail')).toEqual([id]);
    expect(await found('human')).toEqual([]);
    expect((await lab.send('GET', '/v1/calls?answered_by=martian')).status).toBe(400);
  });

  it('leaves turns and transcript out of lists', async () => {
    await lab.playCall(await lab.placeCall());
    const { body } = await lab.send('GET', '/v1/calls?status=completed');
    const [call] = (body as { data: object[] }).data;
    expect(call).not.toHaveProperty('turns');
    expect(call).not.toHaveProperty('transcript');
    expect(call).toHaveProperty('recording_url');
  });

  it('refuses queries that mean nothing, by name', async () => {
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=x', 'limit'],
      ['status=lost', 'status'],
      ['created_after=yesterday', 'created_after'],
      ['offset=3', 'offset'],
    ]) {
      const { status, body } = await lab.send('GET', `/v1/calls?${query}`);
      expect([query, status]).toEqual([query, 400]);
      expect(body).toMatchObject({ error: { details: [{ field }] } });
    }
  });
});

describe('GET /v1/calls/{id}', () => {
  it('shows what was said, how long it took and what it cost', async () => {
    const id = await lab.placeCall();
    await lab.playCall(id);
    const { status, body } = await lab.send('GET', `/v1/calls/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'completed',
      end_reason: 'callee-hangup',
      ended_by: 'callee',
      sip: { code: 200, reason: 'OK' },
      duration_ms: 12_300,
      outcome: { appointment: 'confirmed' },
      recording_url: expect.stringContaining(`/${id}.wav?expires=`) as string,
      cost: { total_micros: 4_200 },
      turns: [
        { speaker: 'agent', interrupted: true, latency: null },
        { speaker: 'caller', text: 'Yes, that is right.', confidence: expect.closeTo(0.93, 5) },
        {
          speaker: 'agent',
          latency: { total_ms: 612, endpointing_ms: 400, stt_ms: 120, llm_ms: 2, tts_ms: 90 },
        },
      ],
    });
    expect((body as { transcript: string }).transcript.split('\n')[1]).toBe(
      'caller: Yes, that is right.',
    );
  });

  it('does not know another workspace’s call', async () => {
    const id = await lab.placeCall();
    const as = { authorization: `Bearer ${lab.otherKey}` };
    for (const [method, url] of [
      ['GET', `/v1/calls/${id}`],
      ['POST', `/v1/calls/${id}/hangup`],
      ['GET', `/v1/calls/${id}/recording`],
    ] as const) {
      const { status, body } = await lab.send(method, url, undefined, as);
      expect([url, status]).toEqual([url, 404]);
      expect(body).toMatchObject(error('not_found', expect.stringContaining(id)));
    }
    const listed = await lab.send('GET', '/v1/calls', undefined, as);
    expect(listed.body).toEqual({ data: [], next_cursor: null });
    expect((await lab.calls.call(id)).status).toBe('queued');
  });
});

describe('POST /v1/calls/{id}/hangup', () => {
  it('cancels a queued call, and says 409 when it is over', async () => {
    const id = await lab.placeCall();
    const first = await lab.send('POST', `/v1/calls/${id}/hangup`);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ id, status: 'canceled', ended_by: 'api' });
    const second = await lab.send('POST', `/v1/calls/${id}/hangup`);
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject(error('call_ended', expect.stringContaining('canceled')));
  });

  it('takes an empty body with a JSON content type, as many clients send it', async () => {
    const id = await lab.placeCall();
    const { status } = await lab.send('POST', `/v1/calls/${id}/hangup`, '', {
      authorization: `Bearer ${lab.key}`,
      'content-type': 'application/json',
    });
    expect(status).toBe(200);
  });
});

describe('GET /v1/calls/{id}/recording', () => {
  it('sends the file with its length', async () => {
    const id = await lab.placeCall();
    await lab.playCall(id);
    const { status, headers, text } = await lab.send('GET', `/v1/calls/${id}/recording`);
    expect(status).toBe(200);
    expect(text).toBe('RIFF----WAVE');
    expect(headers).toMatchObject({
      'content-type': 'audio/wav',
      'content-length': '12',
      'content-disposition': `inline; filename="${id}.wav"`,
    });
  });

  it('answers 404 where there is none, and where its file is gone', async () => {
    const id = await lab.placeCall();
    expect((await lab.send('GET', `/v1/calls/${id}/recording`)).status).toBe(404);
    await lab.playCall(id);
    await rm(await lab.recordings.pathFor(lab.workspaceId, id));
    const { status, body } = await lab.send('GET', `/v1/calls/${id}/recording`);
    expect(status).toBe(404);
    expect(body).toMatchObject(error('not_found', expect.stringContaining('recording')));
  });
});

describe('a program that is draining', () => {
  it('takes no new call and says so', async () => {
    const other = await openApiLab();
    try {
      await (other.context.calls as unknown as { drain(ms: number): Promise<void> }).drain(0);
      const { status, body } = await other.send('POST', '/v1/calls', { to: TO });
      expect(status).toBe(503);
      expect(body).toMatchObject(error('draining', expect.any(String)));
    } finally {
      await other.close();
    }
  });
});
