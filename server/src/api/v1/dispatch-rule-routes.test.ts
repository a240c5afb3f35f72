import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB_FROM, openApiLab, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

interface Made {
  id: string;
}

describe('/v1/dispatch-rules', () => {
  it('keeps a rule with its PIN sealed and never shown', async () => {
    const rule = {
      kind: 'direct',
      name: 'support',
      agent_id: lab.agentId,
      called_numbers: ['+14155550123'],
      pin: '4711',
    };
    const made = await lab.send('POST', '/v1/dispatch-rules', rule);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      id: expect.stringMatching(/^rule_/),
      name: 'support',
      has_pin: true,
      trunk_ids: [],
    });
    const { id } = made.body as Made;
    const listed = await lab.send('GET', '/v1/dispatch-rules');
    expect(`${made.text}${listed.text}`).not.toContain('4711');
    const { rows } = await lab.calls.db.pool.query('select * from dispatch_rules');
    expect(JSON.stringify(rows)).not.toContain('4711');
    const changed = await lab.send('PATCH', `/v1/dispatch-rules/${id}`, { pin: null });
    expect(changed.body).toMatchObject({ has_pin: false, name: 'support' });
    const other = { authorization: `Bearer ${lab.otherKey}` };
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { name: 'mine' } : undefined;
      const answer = await lab.send(method, `/v1/dispatch-rules/${id}`, body, other);
      expect(answer.status).toBe(404);
    }
    expect((await lab.send('DELETE', `/v1/dispatch-rules/${id}`)).status).toBe(204);
    expect((await lab.send('GET', `/v1/dispatch-rules/${id}`)).status).toBe(404);
  });

  it.each([
    [{ kind: 'direct' }, 'room'],
    [{ kind: 'direct', room: 'a', agent_id: 'agent_none' }, 'agent_id'],
    [{ kind: 'callee', trunk_ids: ['trunk_none'] }, 'trunk_ids'],
    [{ kind: 'callee', pin: '12a' }, 'pin'],
    [{ kind: 'round' }, 'kind'],
    [{ kind: 'callee', colour: 'red' }, 'colour'],
  ])('refuses %j and names %s', async (body, field) => {
    const { status, body: answer } = await lab.send('POST', '/v1/dispatch-rules', body);
    expect(status).toBe(400);
    expect(answer).toMatchObject({ error: { code: 'invalid_request', details: [{ field }] } });
  });
});

describe('the preview of a dial plan', () => {
  it('shows each INVITE as it would leave', async () => {
    const path = `/v1/trunks/${lab.trunkId}`;
    await lab.send('PATCH', path, { leading_plus: false, from_domain: 'trunk.example' });
    const query = new URLSearchParams({ from: LAB_FROM, to: '+15005550101' });
    const { status, body } = await lab.send('GET', `${path}/dial-plan?${query.toString()}`);
    expect(status).toBe(200);
    const digits = LAB_FROM.slice(1);
    expect(body).toMatchObject({
      problems: [],
      attempts: [
        {
          gateway: '127.0.0.1:9;udp',
          request_uri: 'sip:15005550101@127.0.0.1:9',
          from_header: `<sip:${digits}@trunk.example>`,
          headers: [{ name: 'P-Asserted-Identity', value: `<sip:${digits}@trunk.example>` }],
        },
      ],
    });
  });

  it('says why a call would not leave', async () => {
    const trunk = await lab.send('POST', '/v1/trunks', {
      name: 'quiet',
      active: false,
      outbound_enabled: false,
    });
    const { id } = trunk.body as Made;
    const query = new URLSearchParams({ from: LAB_FROM, to: '+14155552671' });
    const { body } = await lab.send('GET', `/v1/trunks/${id}/dial-plan?${query.toString()}`);
    expect((body as { problems: string[] }).problems).toEqual([
      expect.stringContaining('switched off'),
      expect.stringContaining('makes no calls'),
      expect.stringContaining('has no gateway'),
      expect.stringContaining('is not on this trunk'),
    ]);
    const wrong = await lab.send('GET', `/v1/trunks/${id}/dial-plan?from=x&to=y`);
    expect(wrong.body).toMatchObject({ error: { details: [{ field: 'from' }] } });
  });
});
