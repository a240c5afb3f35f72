import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as agents from '../db/queries/agents.ts';
import { uuidOfId } from '../shared/ids.ts';
import { openApiLab, type ApiLab } from './testing/api-lab.ts';

type Body = Record<string, unknown> & { id: string };

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

function uuid(id: string): string {
  const text = uuidOfId(id);
  if (text === null) throw new Error(`expected an id of ours, got ${id}`);
  return text;
}

async function sent(method: string, url: string, body?: object): Promise<Body> {
  const answer = await lab.send(method, url, body);
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body as Body;
}

describe('ids as UUIDs', () => {
  it('name agents and calls in bodies and queries, and stay as they are in variables', async () => {
    const spelled = uuid(lab.agentId);
    const variables = { agent_id: spelled };
    const call = await sent('POST', '/v1/calls', {
      to: '+15005550101',
      agent_id: spelled,
      trunk_id: uuid(lab.trunkId),
      variables,
    });
    expect(call).toMatchObject({ agent_id: lab.agentId, trunk_id: lab.trunkId, variables });
    for (const query of [`agent_id=${spelled}`, `trunk_id=${uuid(lab.trunkId)}`]) {
      expect(await sent('GET', `/v1/calls?${query}`)).toMatchObject({ data: [{ id: call.id }] });
    }
    const none = await sent('GET', `/v1/calls?retry_of=${uuid(call.id)}`);
    expect(none).toMatchObject({ data: [] });
    const check = { to: '+14155550123', agent_id: spelled, trunk_id: uuid(lab.trunkId) };
    expect(await sent('POST', '/v1/guardrails/check', check)).toHaveProperty('allowed');
  });

  it('name trunks and agents of numbers, dispatch rules and rooms', async () => {
    const trunk = uuid(lab.trunkId);
    const agent = uuid(lab.agentId);
    expect(await sent('GET', `/v1/trunks/${trunk}`)).toMatchObject({ id: lab.trunkId });
    const number = await sent('POST', '/v1/numbers', { number: '+14155550188', trunk_id: trunk });
    expect(
      await sent('PATCH', `/v1/numbers/${uuid(number.id)}`, { agent_id: agent }),
    ).toMatchObject({ trunk_id: lab.trunkId, agent_id: lab.agentId });
    expect(await sent('GET', `/v1/numbers?agent_id=${agent}&limit=1`)).toMatchObject({
      data: [{ id: number.id }],
    });
    const rule = { kind: 'direct', trunk_ids: [trunk], agent_id: agent };
    expect(await sent('POST', '/v1/dispatch-rules', rule)).toMatchObject({
      trunk_ids: [lab.trunkId],
      agent_id: lab.agentId,
    });
    const { pool } = lab.context.database;
    expect(await agents.findByName(pool, lab.workspaceId, agent)).toMatchObject({
      id: lab.agentId,
    });
  });

  it('are taken by Bolti’s API, too', async () => {
    const base = `/workspaces/${lab.workspaceId}`;
    const made = await sent('POST', `${base}/agents/${uuid(lab.agentId)}/outbound-call`, {
      to_number: '+15005550101',
    });
    const id = String(made['conversation_id']);
    expect(await sent('GET', `${base}/conversations/${uuid(id)}`)).toMatchObject({
      conversation_id: id,
    });
    const listed = await sent('GET', `${base}/conversations?agent_id=${uuid(lab.agentId)}&limit=1`);
    expect(listed).toMatchObject({ data: [{ conversation_id: id }] });
  });
});
