import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';
import { bolnaDocument } from './testing/bolna-document.ts';

type Body = Record<string, unknown>;

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

async function newAgent(tasks: object[] = []): Promise<string> {
  const document = bolnaDocument({ llm: 'fake' });
  Object.assign(document.agent_config, { tasks: [...document.agent_config.tasks, ...tasks] });
  const answer = await lab.send('POST', '/v2/agent', document);
  expect(answer.status, answer.text).toBe(200);
  return (answer.body as { agent_id: string }).agent_id;
}

function extractionTask(details: unknown): object {
  return {
    task_type: 'extraction',
    tools_config: { llm_agent: { llm_config: { extraction_details: details } } },
  };
}

async function analysisOf(agent: string): Promise<Body> {
  return ((await lab.send('GET', `/v1/agents/${agent}`)).body as { analysis: Body }).analysis;
}

const interest = {
  name: 'interest',
  question: 'Is the person interested?',
  is_objective: true,
  objective_options: [
    { value: 'yes', condition: 'wants to buy' },
    { value: 'no', condition: 'declines' },
  ],
};
const callback = {
  name: 'callback',
  question: 'When may we call back?',
  category: 'Follow-up',
  is_subjective: true,
  subjective_type: 'timestamp',
};

describe('tasks after the conversation', () => {
  it('make of prose a schema with one field a line', async () => {
    const agent = await newAgent([
      extractionTask('user_name : yields the name of the user.\n- budget: what they can spend'),
      { task_type: 'summarization', tools_config: {} },
    ]);
    expect(await analysisOf(agent)).toMatchObject({
      summary: true,
      extraction: {
        schema: {
          type: 'object',
          properties: {
            user_name: { description: 'yields the name of the user.' },
            budget: { description: 'what they can spend' },
          },
        },
      },
    });
  });

  it('ask for nothing where there are none', async () => {
    expect(await analysisOf(await newAgent())).toMatchObject({ summary: false, extraction: null });
  });

  it('take a template by its name', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } } };
    const made = await lab.send('POST', '/extractions', {
      name: 'Where they live',
      json_schema: schema,
      instructions: 'Only cities of India.',
    });
    expect(made.status, made.text).toBe(201);
    const agent = await newAgent([extractionTask('Where they live')]);
    expect(await analysisOf(agent)).toMatchObject({
      extraction: { schema, instructions: 'Only cities of India.' },
    });
    const { id } = (made.body as { data: { id: string } }).data;
    expect((await lab.send('PUT', `/extractions/${id}`, { display: false })).body).toMatchObject({
      data: { name: 'Where they live', display: false },
    });
    expect((await lab.send('GET', '/extractions')).body).toMatchObject({ data: [{ id }] });
    const other = { authorization: `Bearer ${lab.otherKey}` };
    expect((await lab.send('GET', `/extractions/${id}`, undefined, other)).status).toBe(404);
    expect((await lab.send('DELETE', `/extractions/${id}`)).status).toBe(200);
    expect((await lab.send('GET', `/extractions/${id}`)).status).toBe(404);
  });

  it('refuse a template that is no schema of an object', async () => {
    const answer = await lab.send('POST', '/extractions', {
      name: 'bad',
      json_schema: { type: 'array' },
    });
    expect([answer.status, answer.text]).toEqual([422, expect.stringContaining('json_schema')]);
  });
});

describe('dispositions', () => {
  it('are asked of the agent’s talks by category and name, beside its own extraction', async () => {
    const agent = await newAgent([extractionTask('city : where they live')]);
    const bulk = await lab.send('POST', '/dispositions/bulk', {
      agent_id: agent,
      dispositions: [interest, callback],
    });
    expect(bulk.status, bulk.text).toBe(201);
    const { ids } = bulk.body as { ids: string[] };
    expect(await analysisOf(agent)).toMatchObject({
      extraction: {
        schema: {
          properties: {
            city: { description: 'where they live' },
            General: {
              properties: {
                interest: { properties: { objective: { enum: ['yes', 'no', null] } } },
              },
            },
            'Follow-up': { properties: { callback: { properties: { subjective: {} } } } },
          },
        },
      },
    });
    const list = (await lab.send('GET', `/dispositions?agent_id=${agent}`)).body as Body[];
    expect(list).toMatchObject([
      { id: ids[0], name: 'interest', category: 'General', agent_ids: [agent] },
      { id: ids[1], name: 'callback', category: 'Follow-up' },
    ]);
    // The document of the agent is still the one that was written.
    expect((await lab.send('GET', `/v2/agent/${agent}`)).body).toMatchObject({
      tasks: [{}, { task_type: 'extraction' }],
    });
    // A change of the agent keeps them; without them its own extraction is left.
    const shown = (await lab.send('GET', `/v2/agent/${agent}`)).body as Body;
    await lab.send('PUT', `/v2/agent/${agent}`, shown);
    expect(JSON.stringify(await analysisOf(agent))).toContain('Is the person interested?');
    for (const id of ids)
      expect((await lab.send('DELETE', `/dispositions/${id}`)).status).toBe(200);
    const { extraction } = await analysisOf(agent);
    expect(Object.keys((extraction as { schema: { properties: Body } }).schema.properties)).toEqual(
      ['city'],
    );
  });

  it('are changed in place, or copied for one of several agents', async () => {
    const first = await newAgent();
    const second = await newAgent();
    const made = await lab.send('POST', '/dispositions/', { ...interest, agent_id: first });
    const { id } = made.body as { id: string };
    const inPlace = await lab.send('PUT', `/dispositions/${id}`, {
      agent_id: first,
      question: 'Interested at all?',
    });
    expect([inPlace.status, (inPlace.body as Body)['id']]).toEqual([200, id]);
    expect(JSON.stringify(await analysisOf(first))).toContain('Interested at all?');
    const copied = await lab.send('PUT', `/dispositions/${id}`, {
      agent_id: second,
      question: 'Really interested?',
    });
    expect(copied.status).toBe(201);
    expect(JSON.stringify(await analysisOf(second))).toContain('Really interested?');
    expect(JSON.stringify(await analysisOf(first))).toContain('Interested at all?');
  });

  it('refuse what they cannot be, by name', async () => {
    const agent = await newAgent();
    const refused = async (body: object, words: string): Promise<void> => {
      const answer = await lab.send('POST', '/dispositions/', body);
      expect([answer.status, answer.text]).toEqual([422, expect.stringContaining(words)]);
    };
    await refused({ ...interest, is_objective: false }, 'is_subjective');
    await refused({ ...interest, objective_options: [] }, 'objective_options');
    await refused({ name: 'x' }, 'question');
    const unknown = await lab.send('POST', '/dispositions/', { ...interest, agent_id: 'agt-x' });
    expect(unknown.status).toBe(404);
    // Nothing was kept of it.
    expect((await lab.send('GET', `/dispositions?agent_id=agt-x`)).body).toEqual([]);
    const test = await lab.send('POST', `/v2/agent/${agent}/dispositions/test`, {
      transcript: 'x',
    });
    expect(test.status).toBe(501);
  });
});
