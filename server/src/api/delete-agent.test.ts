import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOfId } from '../shared/ids.ts';
import { openApiLab, type ApiLab } from './testing/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

async function created(url: string, body: object): Promise<Record<string, unknown>> {
  const { status, body: made, text } = await lab.send('POST', url, body);
  if (status !== 201) throw new Error(`expected 201, got ${text}`);
  return made as Record<string, unknown>;
}

async function shown(url: string): Promise<unknown> {
  return (await lab.send('GET', url)).body;
}

describe('deleting an agent', () => {
  it.each<[string, string, (agentId: string) => string, number]>([
    ['/v1', '+14155550161', (id) => `/v1/agents/${id}`, 204],
    ['Bolna’s API', '+14155550162', (id) => `/v2/agent/${uuidOfId(id) ?? ''}`, 200],
    ['Bolti’s API', '+14155550163', (id) => `/workspaces/${lab.workspaceId}/agents/${id}`, 204],
  ])('at %s leaves nothing that leads to it', async (_door, number, pathOf, status) => {
    const agent = await created('/v1/agents', {
      name: 'leaves',
      type: 'llm',
      llm: { provider: 'fake' },
    });
    const agentId = String(agent['id']);
    const made = { number, trunk_id: lab.trunkId, agent_id: agentId };
    const numberId = String((await created('/v1/numbers', made))['id']);
    const rule = { kind: 'direct', room: 'r', agent_id: agentId, called_numbers: [number] };
    const ruleId = String((await created('/v1/dispatch-rules', rule))['id']);
    const callId = await lab.placeCall({ agent_id: agentId });
    const later = await lab.placeCall({ agent_id: agentId, scheduled_at: '2027-01-01T10:00:00Z' });
    const others = await lab.placeCall();

    expect((await lab.send('DELETE', pathOf(agentId))).status).toBe(status);

    expect(await shown(`/v1/numbers/${numberId}`)).toMatchObject({ agent_id: null });
    expect(await shown(`/v1/dispatch-rules/${ruleId}`)).toMatchObject({ agent_id: null });
    for (const id of [callId, later]) {
      expect(await shown(`/v1/calls/${id}`)).toMatchObject({ status: 'canceled' });
    }
    expect(await shown(`/v1/calls/${others}`)).toMatchObject({ status: 'queued' });
    expect((await lab.send('DELETE', pathOf(agentId))).status).toBe(404);
  });

  it('of another workspace touches nothing', async () => {
    const other = { authorization: `Bearer ${lab.otherKey}` };
    const callId = await lab.placeCall();
    const path = `/v1/agents/${lab.agentId}`;
    expect((await lab.send('DELETE', path, undefined, other)).status).toBe(404);
    expect(await shown(`/v1/calls/${callId}`)).toMatchObject({ status: 'queued' });
    expect((await lab.send('GET', path)).status).toBe(200);
  });
});
