import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';
import { bolnaDocument } from './testing/bolna-document.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

type Body = Record<string, unknown>;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function created(document = bolnaDocument()): Promise<string> {
  const answer = await lab.send('POST', '/v2/agent', document);
  expect(answer.status, answer.text).toBe(200);
  return (answer.body as { agent_id: string }).agent_id;
}

describe('POST /v2/agent', () => {
  it('keeps the document as it was written and makes an agent of ours that does what it says', async () => {
    const document = bolnaDocument();
    const answer = await lab.send('POST', '/v2/agent', document);
    expect(answer.body).toMatchObject({ status: 'created', state: 'created' });
    const { agent_id: id } = answer.body as { agent_id: string };
    expect(id).toMatch(UUID);

    const shown = (await lab.send('GET', `/v2/agent/${id}`)).body as Body;
    expect(shown).toMatchObject({ id, agent_status: 'processed', ...document.agent_config });
    expect(shown['agent_prompts']).toEqual(document.agent_prompts);

    const list = (await lab.send('GET', '/v1/agents')).body as { data: Body[] };
    expect(list.data.find(({ name }) => name === 'Front desk')).toMatchObject({
      type: 'llm',
      greeting: 'Hello {name}.',
      prompt: expect.stringContaining('You are the front desk.'),
      max_duration_s: 120,
      goodbye: 'Bye for now.',
      silence: { hangup_after_ms: 12_000, prompt_after_ms: 6_000, prompt_text: 'Still there?' },
      turn: { interruption_words: 3, endpointing_min_ms: 500, interruptible: true },
      llm: { provider: 'openai', model: 'gpt-4.1-mini', max_tokens: 120, temperature: 0.2 },
    });
  });

  it('refuses every provider that is not there by its name, and says how another may stand in', async () => {
    const document = bolnaDocument({
      transcriber: 'gladia',
      synthesizer: 'polly',
      llm: 'cohere',
    });
    const answer = await lab.send('POST', '/v2/agent', document);
    expect(answer.status).toBe(422);
    expect(answer.text).toContain("'gladia' is not there; these are: local, fake, deepgram");
    expect(answer.text).toContain("'polly' is not there");
    expect(answer.text).toContain("'cohere' is not there");
    expect(answer.body).toMatchObject({ error: 422, detail: expect.stringContaining('gladia') });
  });

  it('takes the vendors that are there, with their models, voices and languages', async () => {
    const document = bolnaDocument({
      transcriber: 'deepgram',
      synthesizer: 'elevenlabs',
      llm: 'anthropic',
      language: 'hi',
    });
    const [task] = document.agent_config.tasks;
    const tools = task?.tools_config as unknown as {
      synthesizer: { provider_config: object };
      llm_agent: { llm_config: object };
    };
    tools.synthesizer.provider_config = {
      voice: 'Nila',
      voice_id: 'V9LC',
      model: 'eleven_turbo_v2_5',
    };
    Object.assign(tools.llm_agent.llm_config, { model: 'claude-haiku-4-5', base_url: null });
    const answer = await lab.send('POST', '/v2/agent', document);
    expect(answer.status, answer.text).toBe(200);
    const { agent_id: id } = answer.body as { agent_id: string };
    const agents = (await lab.send('GET', '/v1/agents')).body as { data: { id: string }[] };
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(agents.data[0]).toMatchObject({
      stt: { provider: 'deepgram', model: 'nova-3', language: 'hi' },
      tts: { provider: 'elevenlabs', voice: 'V9LC', model: 'eleven_turbo_v2_5' },
      llm: { provider: 'anthropic', model: 'claude-haiku-4-5' },
    });
  });

  it('runs with providers that stand in, and says so', async () => {
    const put = await lab.send('PUT', '/v1/provider-substitutions', {
      substitutions: { deepgram: 'local', polly: 'local' },
    });
    expect(put.status, put.text).toBe(200);
    const document = bolnaDocument({ transcriber: 'deepgram', synthesizer: 'polly' });
    const answer = await lab.send('POST', '/v2/agent', document);
    expect(answer.status, answer.text).toBe(200);
    const { warnings } = answer.body as { warnings: { field: string; message: string }[] };
    expect(warnings.map(({ field }) => field)).toEqual(
      expect.arrayContaining(['transcriber.provider', 'synthesizer.provider']),
    );
    await lab.send('PUT', '/v1/provider-substitutions', { substitutions: {} });
  });

  it('names every switched-on field of task_config that has no effect', async () => {
    const document = bolnaDocument({
      task: { backchanneling: true, ambient_noise: true, use_fillers: false, brand_new: 1 },
    });
    const answer = await lab.send('POST', '/v2/agent', document);
    const { warnings } = answer.body as { warnings: { field: string }[] };
    expect(warnings.map(({ field }) => field).sort()).toEqual([
      'tasks.0.task_config.ambient_noise',
      'tasks.0.task_config.backchanneling',
      'tasks.0.task_config.brand_new',
    ]);
  });

  it('refuses tools, graphs, other languages and what has no conversation, each by name', async () => {
    const refused = async (document: object, words: string): Promise<void> => {
      const answer = await lab.send('POST', '/v2/agent', document);
      expect(answer.status, answer.text).toBe(422);
      expect(answer.text).toContain(words);
    };
    await refused(
      bolnaDocument({ tools: [{ name: 'book_table', key: 'custom_task' }] }),
      'book_table',
    );
    await refused(bolnaDocument({ agentType: 'graph_agent' }), 'graph_agent');
    await refused(bolnaDocument({ language: 'hi' }), "not 'hi'");
    await refused(
      { agent_config: { agent_name: 'x', tasks: [] }, agent_prompts: {} },
      'conversation',
    );
    await refused({ agent_config: { agent_name: 'x' } }, 'agent_prompts');
  });

  it('takes the object that a GET gave, without agent_config around it', async () => {
    const id = await created();
    const shown = (await lab.send('GET', `/v2/agent/${id}`)).body as Body;
    const again = await lab.send('POST', '/v2/agent', shown);
    expect(again.status, again.text).toBe(200);
  });

  it('keeps no secret in the document', async () => {
    const document = bolnaDocument();
    Object.assign(document.agent_config, {
      ingest_source_config: {
        source_type: 'api',
        source_url: 'https://example.com/who',
        source_auth_token: 'door-opener',
      },
    });
    const id = await created(document);
    const stored = await lab.context.database.pool.query(
      `select document::text || (select config::text || secrets::text from agents where id = agent_id)
         as text from bolna_agents order by agent_id desc limit 1`,
    );
    expect(stored.rows[0].text).not.toContain('door-opener');
    const shown = await lab.send('GET', `/v2/agent/${id}`);
    expect(shown.text).toContain('********');
    // Writing back what was read keeps the token.
    const put = await lab.send('PUT', `/v2/agent/${id}`, shown.body);
    expect(put.status, put.text).toBe(200);
  });
});

describe('PATCH /v2/agent/{id}', () => {
  it('changes a name, a greeting, a prompt and a voice, and leaves the rest', async () => {
    const id = await created();
    const answer = await lab.send('PATCH', `/v2/agent/${id}`, {
      agent_config: {
        agent_name: 'Night desk',
        agent_welcome_message: 'Good evening {name}.',
        synthesizer: { provider: 'local', provider_config: { voice: 'awb' } },
        telephony_provider: 'sip-trunk',
      },
      agent_prompts: { task_1: { system_prompt: 'You are the night desk.' } },
    });
    expect(answer.body).toEqual({ message: 'success', state: 'updated' });
    const shown = (await lab.send('GET', `/v2/agent/${id}`)).body as Body;
    expect(shown).toMatchObject({
      agent_name: 'Night desk',
      telephony_provider: 'sip-trunk',
      agent_prompts: { task_1: { system_prompt: 'You are the night desk.' } },
      tasks: [{ tools_config: { synthesizer: { provider_config: { voice: 'awb' } } } }],
    });
    const list = (await lab.send('GET', '/v1/agents')).body as { data: Body[] };
    expect(list.data.find(({ name }) => name === 'Night desk')).toMatchObject({
      greeting: 'Good evening {name}.',
      prompt: 'You are the night desk.',
      tts: { voice: 'awb' },
      max_duration_s: 120,
    });
  });

  it('works on an agent that was not written in Bolna’s form', async () => {
    const made = await lab.send('POST', '/v1/agents', {
      name: 'native',
      type: 'llm',
      prompt: 'Hi.',
    });
    const { id } = made.body as { id: string };
    const answer = await lab.send('PATCH', `/v2/agent/${id}`, {
      agent_config: { telephony_provider: 'sip-trunk' },
    });
    expect(answer.status, answer.text).toBe(200);
    expect((await lab.send('GET', `/v2/agent/${id}`)).body).toMatchObject({
      agent_name: 'native',
      telephony_provider: 'sip-trunk',
      agent_prompts: { task_1: { system_prompt: 'Hi.' } },
    });
  });

  it('shows what /v1 changed since', async () => {
    const id = await created();
    const list = (await lab.send('GET', '/v1/agents')).body as { data: { id: string }[] };
    const own = list.data[0]?.id ?? '';
    expect((await lab.send('PATCH', `/v1/agents/${own}`, { name: 'renamed' })).status).toBe(200);
    expect((await lab.send('GET', `/v2/agent/${id}`)).body).toMatchObject({
      agent_name: 'renamed',
    });
  });
});

describe('the other verbs', () => {
  it('list all, stop, delete, and the deprecated twins of all of them', async () => {
    const id = await created(bolnaDocument({ llm: 'fake' }));
    const all = (await lab.send('GET', '/v2/agent/all')).body as { id: string }[];
    expect(all.map((agent) => agent.id)).toContain(id);
    expect((await lab.send('GET', '/agent/all')).body).toEqual(all);
    expect((await lab.send('GET', `/agent/${id}`)).status).toBe(200);

    const placed = await lab.send('POST', '/call', {
      agent_id: id,
      recipient_phone_number: '+15005550101',
      scheduled_at: '2027-01-01T10:00:00+05:30',
    });
    expect(placed.status, placed.text).toBe(200);
    const { execution_id: execution } = placed.body as { execution_id: string };
    expect((await lab.send('POST', `/v2/agent/${id}/stop`)).body).toEqual({
      stopped_executions: [execution],
    });
    expect((await lab.send('DELETE', `/v2/agent/${id}`)).body).toEqual({
      message: 'success',
      state: 'deleted',
    });
    for (const method of ['GET', 'DELETE']) {
      expect((await lab.send(method, `/v2/agent/${id}`)).status).toBe(404);
    }
  });

  it('shows an agent of another workspace to nobody', async () => {
    const id = await created();
    const other = { authorization: `Bearer ${lab.otherKey}` };
    expect((await lab.send('GET', `/v2/agent/${id}`, undefined, other)).status).toBe(404);
    expect((await lab.send('GET', '/v2/agent/all', undefined, other)).body).toEqual([]);
  });
});

describe('authentication', () => {
  it('is 401 without a key, 403 with a wrong one, in Bolna’s form', async () => {
    const missing = await lab.send('GET', '/v2/agent/all', undefined, {});
    expect(missing.status).toBe(401);
    expect(missing.body).toMatchObject({ error: 401, message: expect.any(String) });
    const wrong = await lab.send('GET', '/v2/agent/all', undefined, {
      authorization: 'Bearer bn-wrong',
    });
    expect(wrong.status).toBe(403);
    expect(wrong.body).toMatchObject({ detail: expect.stringContaining('API key') });
  });

  it('says 400 where the body is no JSON', async () => {
    const answer = await lab.app.inject({
      method: 'POST',
      url: '/v2/agent',
      headers: { authorization: `Bearer ${lab.key}`, 'content-type': 'application/json' },
      payload: '{',
    });
    expect(answer.statusCode).toBe(400);
  });
});
