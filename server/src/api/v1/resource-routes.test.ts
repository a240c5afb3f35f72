import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as agents from '../../db/queries/agents.ts';
import { LAB_FROM, openApiLab, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

const CANARY = 'canary-7f3a-do-not-show';

function other(): object {
  return { authorization: `Bearer ${lab.otherKey}` };
}

async function create(
  url: string,
  body: object,
): Promise<{ id: string } & Record<string, unknown>> {
  const { status, body: made, text } = await lab.send('POST', url, body);
  if (status !== 201) throw new Error(`expected 201, got ${text}`);
  return made as { id: string };
}

describe('/v1/agents', () => {
  it('creates an agent with every default filled in', async () => {
    const { status, body } = await lab.send('POST', '/v1/agents', { name: 'one', type: 'llm' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^agent_/),
      name: 'one',
      type: 'llm',
      version: 1,
      secrets: [],
      turn: { endpointing_min_ms: 400 },
      max_duration_s: 1_800,
    });
    const { id } = body as { id: string };
    expect((await lab.send('GET', `/v1/agents/${id}`)).body).toEqual(body);
  });

  it('refuses a scripted agent that has no script', async () => {
    const refused = { error: { code: 'invalid_request', details: [{ field: 'script' }] } };
    const made = await lab.send('POST', '/v1/agents', { name: 'mute' });
    expect(made.status).toBe(400);
    expect(made.body).toMatchObject(refused);
    const { id } = await create('/v1/agents', { name: 'talks', type: 'llm' });
    const changed = await lab.send('PATCH', `/v1/agents/${id}`, { type: 'scripted' });
    expect(changed.status).toBe(400);
    expect(changed.body).toMatchObject(refused);
  });

  it('merges settings objects, replaces the rest and counts the version up', async () => {
    const { id } = await create('/v1/agents', {
      name: 'before',
      type: 'llm',
      turn: { endpointing_min_ms: 500, interruption_words: 3 },
      variables: { a: '1', b: '2' },
    });
    const { status, body } = await lab.send('PATCH', `/v1/agents/${id}`, {
      turn: { interruption_words: 4 },
      variables: { c: '3' },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'before',
      version: 2,
      turn: { endpointing_min_ms: 500, interruption_words: 4 },
      variables: { c: '3' },
    });
    expect((body as { variables: object }).variables).toEqual({ c: '3' });
  });

  it('takes tools with secrets of their own, of which only the names come out', async () => {
    const tool = (url: string) => ({
      type: 'http',
      name: 'look_up',
      description: 'Looks up.',
      request: { url, headers: { authorization: '{{secrets.CRM_TOKEN}}' } },
    });
    const agent = {
      name: 'with tools',
      type: 'llm',
      secrets: { CRM_TOKEN: 'very-secret' },
      tools: [tool('https://crm.example.com/{id}')],
    };
    const { status, body, text } = await lab.send('POST', '/v1/agents', agent);
    expect([status, text.includes('very-secret')]).toEqual([201, false]);
    expect(body).toMatchObject({ secrets: ['CRM_TOKEN'], tools: [{ timeout_ms: 10_000 }] });
    for (const [tools, field] of [
      [[tool('http://169.254.169.254/{id}')], 'tools.0.request.url'],
      [[tool('https://{host}/')], 'tools.0.request.url'],
      [[{ ...tool('https://crm.example.com/'), colour: 'red' }], 'tools.0.colour'],
    ] as const) {
      const refused = await lab.send('POST', '/v1/agents', { ...agent, tools });
      expect(refused.status).toBe(400);
      expect(refused.body).toMatchObject({ error: { details: [{ field }] } });
    }
    const scripted = await lab.send('POST', '/v1/agents', { ...agent, type: 'scripted' });
    expect(scripted.text).toContain('a script has no tools but transfer_call');
  });

  it('refuses a change as a whole when one field is wrong', async () => {
    const { id } = await create('/v1/agents', { name: 'kept', type: 'llm' });
    for (const [patch, field] of [
      [{ name: 'gone', turn: { interruption_words: 99 } }, 'turn.interruption_words'],
      [{ name: 'gone', turn: null }, 'turn'],
      [{ name: 'gone', id: 'agent_mine' }, 'id'],
      [{ name: 'gone', version: 7 }, 'version'],
      [{ name: 'gone', llm: { key: 'x' } }, 'llm.key'],
      [{ name: 'gone', secrets: { other_key: 'x' } }, 'secrets.other_key'],
    ] as const) {
      const { status, body } = await lab.send('PATCH', `/v1/agents/${id}`, patch);
      expect(status).toBe(400);
      expect(body).toMatchObject({ error: { code: 'invalid_request', details: [{ field }] } });
    }
    expect((await lab.send('GET', `/v1/agents/${id}`)).body).toMatchObject({
      name: 'kept',
      version: 1,
    });
  });

  it('says where in a script the fault is', async () => {
    const script = {
      start: 'hello',
      states: { hello: { say: 'Hello', expects: { confirm: 'nowhere' } } },
    };
    const { status, body } = await lab.send('POST', '/v1/agents', { name: 's', script });
    expect(status).toBe(400);
    const { details } = (body as { error: { details: { field: string }[] } }).error;
    expect(details.some(({ field }) => field.startsWith('script.states.hello.expects'))).toBe(true);
  });

  it('never returns a provider key, stores it sealed and takes it away by null', async () => {
    const made = await lab.send('POST', '/v1/agents', {
      name: 'keyed',
      type: 'llm',
      secrets: { OPENAI_API_KEY: CANARY },
    });
    expect(made.text).not.toContain(CANARY);
    expect(made.body).toMatchObject({ secrets: ['OPENAI_API_KEY'] });
    const { id } = made.body as { id: string };
    const row = await agents.get(lab.context.database.pool, lab.workspaceId, id);
    const sealed = row?.secrets['OPENAI_API_KEY'] ?? '';
    expect(sealed).not.toContain(CANARY);
    const place = { workspaceId: lab.workspaceId, table: 'agents', id };
    expect(lab.context.secrets.open(place, sealed)).toBe(CANARY);
    for (const answer of [
      await lab.send('GET', `/v1/agents/${id}`),
      await lab.send('GET', '/v1/agents'),
      await lab.send('PATCH', `/v1/agents/${id}`, { greeting: 'Hi' }),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('OPENAI_API_KEY');
      expect(answer.text).not.toContain(CANARY);
    }
    const without = await lab.send('PATCH', `/v1/agents/${id}`, {
      secrets: { OPENAI_API_KEY: null },
    });
    expect(without.body).toMatchObject({ secrets: [] });
  });

  it('stays at its version where nothing changes', async () => {
    const made = await create('/v1/agents', { name: 'still', type: 'llm' });
    for (const patch of [{}, { secrets: {} }, { name: 'still' }]) {
      const answer = await lab.send('PATCH', `/v1/agents/${made.id}`, patch);
      expect([answer.status, answer.body]).toEqual([200, made]);
    }
  });

  it('lets one of two writers win that change the same version', async () => {
    const { id } = await create('/v1/agents', { name: 'raced', type: 'llm' });
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => lab.send('PATCH', `/v1/agents/${id}`, { name })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    const { body } = await lab.send('GET', `/v1/agents/${id}`);
    const stored = statuses.filter((status) => status === 200).length;
    expect(body).toMatchObject({ version: 1 + stored });
  });

  it('is gone after it was deleted', async () => {
    const { id } = await create('/v1/agents', { name: 'short', type: 'llm' });
    const deleted = await lab.send('DELETE', `/v1/agents/${id}`);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    for (const method of ['GET', 'DELETE', 'PATCH']) {
      const { status, body } = await lab.send(
        method,
        `/v1/agents/${id}`,
        method === 'PATCH' ? {} : undefined,
      );
      expect(status).toBe(404);
      expect(body).toMatchObject({ error: { code: 'agent_not_found' } });
    }
  });
});

describe('/v1/trunks', () => {
  it('never returns the password, whether it is sent, changed or listed', async () => {
    const made = await lab.send('POST', '/v1/trunks', {
      name: 'provider',
      gateways: [{ host: 'sip.example.com' }],
      auth_username: 'me',
      auth_password: CANARY,
    });
    expect(made.status).toBe(201);
    const { id } = made.body as { id: string };
    expect(made.body).toMatchObject({
      has_password: true,
      active: true,
      sandbox: false,
      gateways: [{ host: 'sip.example.com', port: 5_060, transport: 'udp' }],
    });
    const answers = [
      made,
      await lab.send('GET', `/v1/trunks/${id}`),
      await lab.send('GET', '/v1/trunks'),
      await lab.send('PATCH', `/v1/trunks/${id}`, { auth_password: `${CANARY}-2` }),
    ];
    for (const { text } of answers) {
      expect(text).not.toContain(CANARY);
      expect(text).not.toContain('auth_password');
    }
    const { rows } = await lab.context.database.pool.query('select * from trunks where id = $1', [
      id,
    ]);
    expect(JSON.stringify(rows)).not.toContain(CANARY);
    const cleared = await lab.send('PATCH', `/v1/trunks/${id}`, { auth_password: null });
    expect(cleared.body).toMatchObject({ has_password: false, auth_username: 'me' });
  });

  it('replaces the gateways as a whole and leaves the rest alone', async () => {
    const { id } = await create('/v1/trunks', {
      name: 'gateways',
      gateways: [{ host: '192.0.2.1' }, { host: '192.0.2.2', port: 5_062, transport: 'tcp' }],
      allowed_sources: ['198.51.100.0/24'],
    });
    const { body } = await lab.send('PATCH', `/v1/trunks/${id}`, {
      gateways: [{ host: '192.0.2.3' }],
    });
    expect(body).toMatchObject({
      name: 'gateways',
      gateways: [{ host: '192.0.2.3', port: 5_060, transport: 'udp' }],
      allowed_sources: ['198.51.100.0/24'],
    });
  });

  it('T07 T28 keeps how gateways are looked up and where redirections may lead, and refuses what is neither', async () => {
    const { id } = await create('/v1/trunks', {
      name: 'by dns',
      gateways: [
        { host: 'sip.example.com', lookup: 'srv' },
        { host: 'tls.example.com', transport: 'tls', lookup: 'naptr' },
        { host: '192.0.2.3' },
      ],
      redirect_hosts: ['*.example.com', '203.0.113.0/24', '192.0.2.9'],
    });
    const { body } = await lab.send('GET', `/v1/trunks/${id}`);
    expect(body).toMatchObject({
      gateways: [
        { host: 'sip.example.com', port: 5_060, transport: 'udp', lookup: 'srv' },
        { host: 'tls.example.com', port: 5_061, transport: 'tls', lookup: 'naptr' },
        { host: '192.0.2.3', port: 5_060, transport: 'udp', lookup: 'address' },
      ],
      redirect_hosts: ['*.example.com', '203.0.113.0/24', '192.0.2.9'],
    });
    for (const bad of ['sip:evil', '1.2.3.4/99', '*', 'a b']) {
      const refused = await lab.send('PATCH', `/v1/trunks/${id}`, { redirect_hosts: [bad] });
      expect(refused.status).toBe(400);
      expect(JSON.stringify(refused.body)).toContain('redirect_hosts');
    }
    const cleared = await lab.send('PATCH', `/v1/trunks/${id}`, { redirect_hosts: [] });
    expect(cleared.body).toMatchObject({ redirect_hosts: [] });
  });

  it('lets a large part of the internet call in by force only, and warns of wide ranges', async () => {
    for (const wide of ['0.0.0.0/0', '64.0.0.0/7', '::/0', '::ffff:0:0/96']) {
      const { status, body } = await lab.send('POST', '/v1/trunks', {
        name: 'open',
        allowed_sources: ['198.51.100.0/24', wide],
      });
      expect([wide, status]).toEqual([wide, 400]);
      expect(body).toMatchObject({
        error: {
          details: [
            {
              field: 'allowed_sources',
              problem: expect.stringContaining(`${wide} lets`) as string,
            },
          ],
        },
      });
    }
    const open = await create('/v1/trunks', {
      name: 'open',
      allowed_sources: ['0.0.0.0/0'],
      force: true,
    });
    expect(open).toMatchObject({ allowed_sources: ['0.0.0.0/0'] });
    expect(open).not.toHaveProperty('force');
    const change = (body: object) => lab.send('PATCH', `/v1/trunks/${open.id}`, body);
    // What somebody meant once need not be meant again; what is new must.
    const kept = await change({ name: 'wide', allowed_sources: ['0.0.0.0/0', '198.51.0.0/16'] });
    expect(kept.status).toBe(200);
    expect((await change({ allowed_sources: ['0.0.0.0/1'] })).status).toBe(400);
    const narrow = await change({ allowed_sources: ['198.51.0.0/16', '198.51.100.0/24'] });
    expect(narrow.body).toMatchObject({
      warnings: ["198.51.0.0/16 lets in 2^16 addresses: name the carrier's own, at most a /24"],
    });
  });

  it('names the field that a trunk cannot have', async () => {
    for (const [fields, field] of [
      [{ gateways: [{ host: 'no host' }] }, 'gateways'],
      [{ gateways: [{ host: 'a.example', port: 0 }] }, 'gateways.0.port'],
      [{ allowed_sources: ['everybody'] }, 'allowed_sources'],
      [{ headers: { Via: 'x' } }, 'headers'],
      [{ headers: { 'X-A': 'b\r\nX-C: d' } }, 'headers'],
      [{ codecs: ['opus'] }, 'codecs.0'],
      [{ sandbox: true }, 'sandbox'],
    ] as const) {
      const { status, body } = await lab.send('POST', '/v1/trunks', { name: 'x', ...fields });
      expect([field, status]).toEqual([field, 400]);
      expect(body).toMatchObject({ error: { code: 'invalid_request', details: [{ field }] } });
    }
  });

  it('is gone after it was deleted', async () => {
    const { id } = await create('/v1/trunks', { name: 'short' });
    expect((await lab.send('DELETE', `/v1/trunks/${id}`)).status).toBe(204);
    const { status, body } = await lab.send('GET', `/v1/trunks/${id}`);
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: { code: 'trunk_not_found' } });
    expect((await lab.send('DELETE', `/v1/trunks/${id}`)).status).toBe(404);
  });

  it('refuses what of LiveKit’s clients is only kept', async () => {
    for (const [field, value] of [
      ['destination_country', 'US'],
      ['attributes_to_headers', { tier: 'X-Tier' }],
    ] as const) {
      const answer = await lab.send('PATCH', `/v1/trunks/${lab.trunkId}`, { [field]: value });
      expect([answer.status, answer.body]).toMatchObject([
        400,
        { error: { details: [{ field }] } },
      ]);
    }
  });
});

describe('/v1/numbers', () => {
  it('adds a number, says who answers it and takes it away', async () => {
    const { id: trunkId } = await create('/v1/trunks', { name: 'numbers' });
    const added = await lab.send('POST', '/v1/numbers', {
      number: '+1 415-555-2671',
      trunk_id: trunkId,
    });
    expect(added.status).toBe(201);
    expect(added.body).toMatchObject({
      number: '+14155552671',
      trunk_id: trunkId,
      agent_id: null,
    });
    const { id } = added.body as { id: string };
    const assigned = await lab.send('PATCH', `/v1/numbers/${id}`, { agent_id: lab.agentId });
    expect(assigned.body).toMatchObject({ agent_id: lab.agentId });
    expect((await lab.send('GET', `/v1/numbers/${id}`)).body).toEqual(assigned.body);
    expect((await lab.send('DELETE', `/v1/numbers/${id}`)).status).toBe(204);
    expect((await lab.send('GET', `/v1/numbers/${id}`)).status).toBe(404);
  });

  it('says which number is taken, invalid, or on which trunk or agent that do not exist', async () => {
    for (const [body, status, code, text] of [
      [{ number: LAB_FROM, trunk_id: lab.trunkId }, 409, 'number_taken', LAB_FROM],
      [{ number: '4711', trunk_id: lab.trunkId }, 400, 'invalid_number', "'4711'"],
      [{ number: '+14155552671', trunk_id: 'trunk_x' }, 404, 'trunk_not_found', 'trunk_x'],
      [
        { number: '+14155552671', trunk_id: lab.trunkId, agent_id: 'agent_x' },
        404,
        'agent_not_found',
        'agent_x',
      ],
    ] as const) {
      const answer = await lab.send('POST', '/v1/numbers', body);
      expect([code, answer.status]).toEqual([code, status]);
      expect(answer.body).toMatchObject({
        error: { code, message: expect.stringContaining(text) },
      });
    }
  });
});

describe('/v1/keys and /v1/workspaces', () => {
  it('shows a key once, works with it, and stops when it is revoked', async () => {
    const made = await lab.send('POST', '/v1/keys', { name: 'ci' });
    expect(made.status).toBe(201);
    const { id, key } = made.body as { id: string; key: string };
    const listed = await lab.send('GET', '/v1/keys');
    expect(listed.text).not.toContain(key);
    expect((listed.body as { data: object[] }).data).toContainEqual(
      expect.objectContaining({ id, name: 'ci', prefix: key.slice(0, 9), revoked_at: null }),
    );
    const as = { authorization: `Bearer ${key}` };
    expect((await lab.send('GET', '/v1/workspaces', undefined, as)).status).toBe(200);
    expect((await lab.send('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expect((await lab.send('GET', '/v1/workspaces', undefined, as)).status).toBe(401);
    expect((await lab.send('DELETE', `/v1/keys/${id}`)).status).toBe(404);
  });

  it('shows the workspace of the key, not the others', async () => {
    const mine = await lab.send('GET', '/v1/workspaces');
    expect(mine.body).toMatchObject({ data: [{ id: lab.workspaceId }], next_cursor: null });
    const theirs = await lab.send('GET', '/v1/workspaces', undefined, other());
    expect(theirs.body).toMatchObject({ data: [{ name: 'Other' }] });
  });
});

describe('another workspace', () => {
  it('finds, changes and deletes nothing of ours', async () => {
    const { body } = await lab.send('GET', '/v1/numbers');
    const numberId = (body as { data: { id: string }[] }).data[0]?.id;
    const { id: keyId } = await create('/v1/keys', { name: 'ours' });
    for (const [url, patch] of [
      [`/v1/agents/${lab.agentId}`, { name: 'stolen' }],
      [`/v1/trunks/${lab.trunkId}`, { name: 'stolen' }],
      [`/v1/numbers/${numberId}`, { agent_id: null }],
    ] as const) {
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        const answer = await lab.send(method, url, method === 'PATCH' ? patch : undefined, other());
        expect([method, url, answer.status]).toEqual([method, url, 404]);
      }
    }
    const revoked = await lab.send('DELETE', `/v1/keys/${keyId}`, undefined, other());
    expect(revoked.status).toBe(404);
    for (const list of ['agents', 'trunks', 'numbers']) {
      const { body: page } = await lab.send('GET', `/v1/${list}`, undefined, other());
      expect(page).toEqual({ data: [], next_cursor: null });
    }
  });

  it('cannot speak with our agents, call from our numbers or hang its own on our trunk', async () => {
    const call = { to: '+15005550101' };
    const agent = await lab.send('POST', '/v1/calls', { ...call, agent_id: lab.agentId }, other());
    expect(agent.status).not.toBe(201);
    const from = await lab.send('POST', '/v1/calls', { ...call, from: LAB_FROM }, other());
    expect(from.status).toBe(403);
    const number = await lab.send(
      'POST',
      '/v1/numbers',
      { number: '+14155552671', trunk_id: lab.trunkId },
      other(),
    );
    expect(number.status).toBe(404);
  });

  it('cannot answer our number with its own agent', async () => {
    const made = await lab.send('POST', '/v1/agents', { name: 'theirs', type: 'llm' }, other());
    const { id } = made.body as { id: string };
    const { body } = await lab.send('GET', '/v1/numbers');
    const numberId = (body as { data: { id: string }[] }).data[0]?.id;
    const answer = await lab.send('PATCH', `/v1/numbers/${numberId}`, { agent_id: id });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ error: { code: 'agent_not_found' } });
  });
});

describe('lists', () => {
  it.each(['agents', 'trunks', 'numbers', 'keys'])('of %s page by cursor', async (list) => {
    for (let i = 0; i < 3; i++) {
      if (list === 'numbers') {
        const number = `+1415555267${i + 2}`;
        await create('/v1/numbers', { number, trunk_id: lab.trunkId });
      } else {
        const type = list === 'agents' ? { type: 'llm' } : {};
        await create(`/v1/${list}`, { name: `page ${i}`, ...type });
      }
    }
    const all = await lab.send('GET', `/v1/${list}?limit=200`);
    const ids = (all.body as { data: { id: string }[] }).data.map(({ id }) => id);
    const first = await lab.send('GET', `/v1/${list}?limit=2`);
    const { data, next_cursor } = first.body as { data: { id: string }[]; next_cursor: string };
    const second = await lab.send('GET', `/v1/${list}?limit=2&cursor=${next_cursor}`);
    const more = (second.body as { data: { id: string }[] }).data;
    expect([...data, ...more].map(({ id }) => id)).toEqual(ids.slice(0, data.length + more.length));
    expect(more.length).toBeGreaterThan(0);
  });
});
