import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProgram, type Program } from './harness/program.ts';

/** Bolti's page on calling: both requests on it, as they are written there. */
const SAMPLES = {
  call: `POST /workspaces/{workspace_id}/agents/{agent_id}/outbound-call
Authorization: Bearer <token>
{
"to_number": "+14155551212",
"agent_phone_number_id": "..."
}`,
  withVariables: `POST /workspaces/{workspace_id}/agents/{agent_id}/outbound-call
Authorization: Bearer <token>
{
"to_number": "+14155551212",
"agent_phone_number_id": "...",
"variable_values": { "name": "Priya", "appointment_date": "April 28" }
}`,
};

type Json = Record<string, unknown>;

interface Received {
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

let program: Program;
let workspaceId: string;
let agentId: string;
let numberId: string;
let sink: Server;
let secret: string;
const received: Received[] = [];
let wake = (): void => undefined;

beforeAll(async () => {
  program = await startProgram({ env: { ALLOW_PRIVATE_TARGETS: '127.0.0.0/8' } });
  const { data: workspaces } = await ask('GET', '/workspaces');
  workspaceId = String((workspaces as Json[])[0]?.['id']);
  const { data: numbers } = await ask('GET', `/workspaces/${workspaceId}/phone-numbers`);
  const [number] = numbers as Json[];
  numberId = String(number?.['id']);
  agentId = String(number?.['agent_id']);
  sink = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.end();
      wake();
    });
  });
  sink.listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const { port } = sink.address() as AddressInfo;
  const hook = await ask('POST', `/workspaces/${workspaceId}/webhooks`, {
    url: `http://127.0.0.1:${port}/bolti`,
    events: ['conversation.completed'],
  });
  secret = String(hook['secret']);
});
afterAll(async () => {
  await program.stop();
  sink.close();
});

async function ask(method: string, path: string, body?: object): Promise<Json> {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await program.fetch(method, path, init);
  expect([200, 201], `${method} ${path}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
  return answer.body as Json;
}

/** Sends a sample with the ids of this program in it. */
async function run(sample: string): Promise<Json> {
  const [requestLine = '', authorization = '', ...rest] = sample
    .replace('{workspace_id}', workspaceId)
    .replace('{agent_id}', agentId)
    .replace('<token>', program.apiKey)
    .replace('"..."', JSON.stringify(numberId))
    .split('\n');
  const [method = '', path = ''] = requestLine.split(' ');
  const response = await fetch(`${program.url}${path}`, {
    method,
    headers: {
      authorization: authorization.replace('Authorization: ', ''),
      'content-type': 'application/json',
    },
    body: rest.join('\n'),
  });
  const text = await response.text();
  expect(response.status, text).toBe(201);
  return JSON.parse(text) as Json;
}

async function ended(id: string): Promise<{ conversation: Json; statuses: string[] }> {
  const statuses: string[] = [];
  for (;;) {
    const conversation = await ask('GET', `/workspaces/${workspaceId}/conversations/${id}`);
    const status = String(conversation['status']);
    if (statuses.at(-1) !== status) statuses.push(status);
    if (status === 'ended' && conversation['outcome'] !== null) return { conversation, statuses };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function delivered(id: string): Promise<Received> {
  for (;;) {
    const found = received.find(({ body }) => body.includes(id));
    if (found) return found;
    await new Promise<void>((resolve) => (wake = resolve));
  }
}

describe('the samples of Bolti’s page on calling', () => {
  it('place a call whose conversation is there at once and ends with all that the page names', async () => {
    const placed = await run(SAMPLES.call);
    const id = String(placed['conversation_id']);
    const { conversation, statuses } = await ended(id);
    expect(statuses.at(-1)).toBe('ended');
    expect(conversation).toMatchObject({
      conversation_id: id,
      direction: 'outbound',
      outcome: 'completed',
      hangup_code: expect.any(String),
      to_number: '+14155551212',
      recording_url: expect.stringMatching(/^http/),
    });
    expect(conversation['duration_seconds']).toBeGreaterThan(3);
    expect((conversation['transcript'] as Json[]).length).toBeGreaterThan(2);
    const recording = await fetch(String(conversation['recording_url']));
    expect([recording.status, recording.headers.get('content-type')]).toEqual([200, 'audio/wav']);
    const hook = await delivered(id);
    const [, seconds, mac] =
      /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(hook.headers['x-signature'])) ?? [];
    const expected = createHmac('sha256', secret).update(`${seconds}.${hook.body}`).digest('hex');
    expect(mac).toBe(expected);
    expect(JSON.parse(hook.body)).toMatchObject({
      type: 'conversation.completed',
      data: { conversation_id: id, outcome: 'completed' },
    });
  });

  it('fill the variables of the agent', async () => {
    await ask('PATCH', `/v1/agents/${agentId}`, {
      greeting: 'Hello {{ name }}. This is about {{ appointment_date }}.',
    });
    const placed = await run(SAMPLES.withVariables);
    const { conversation } = await ended(String(placed['conversation_id']));
    expect(JSON.stringify(conversation['transcript'])).toContain(
      'Hello Priya. This is about April 28.',
    );
  });

  it('are answered with 402 when the credit is gone', async () => {
    await ask('PATCH', '/v1/wallet', { mode: 'prepaid' });
    const rate = await program.fetch('POST', '/v1/rates', {
      body: JSON.stringify({
        kind: 'platform',
        provider: '*',
        unit: 'minute',
        micros_per_unit: 1_000_000,
      }),
    });
    expect(rate.status).toBe(201);
    const answer = await program.fetch(
      'POST',
      `/workspaces/${workspaceId}/agents/${agentId}/outbound-call`,
      { body: JSON.stringify({ to_number: '+14155551212', agent_phone_number_id: numberId }) },
    );
    expect([answer.status, answer.body]).toMatchObject([
      402,
      { error: { code: 'PAYMENT_REQUIRED' } },
    ]);
  });
});
