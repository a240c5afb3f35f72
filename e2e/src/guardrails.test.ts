import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callAndWait, startProgram, type Program } from './harness/program.ts';

let program: Program;
let gateway: Socket;
/** Numbers of the INVITEs that reached the gateway, each retransmission once. */
const invited = new Map<string, number>();
const OWN = '+12125550123';

beforeAll(async () => {
  gateway = createSocket('udp4');
  gateway.on('message', (bytes, from) => {
    const text = bytes.toString('latin1');
    const to = /^INVITE sip:(\+?\d+)@/.exec(text)?.[1];
    if (to === undefined) return;
    if (!invited.has(to)) invited.set(to, Date.now());
    // 486: the call is over at once.
    const copied = text.match(/^(?:Via|From|Call-ID|CSeq):.*$/gim) ?? [];
    const toLine = /^To:.*$/im.exec(text)?.[0] ?? '';
    const head = ['SIP/2.0 486 Busy Here', ...copied, `${toLine};tag=busy`, 'Content-Length: 0'];
    gateway.send(`${head.join('\r\n')}\r\n\r\n`, from.port, from.address);
  });
  gateway.bind(0, '127.0.0.1');
  await once(gateway, 'listening');
  program = await startProgram();
  const { port } = gateway.address();
  const trunk = await post('/v1/trunks', {
    name: 'real',
    gateways: [{ host: '127.0.0.1', port, transport: 'udp' }],
  });
  const { data } = (await program.fetch('GET', '/v1/agents')).body as { data: { id: string }[] };
  await post('/v1/numbers', { number: OWN, trunk_id: trunk['id'], agent_id: data[0]?.id });
  await program.fetch('PATCH', '/v1/guardrails', {
    body: JSON.stringify({ calling_windows: { enabled: false } }),
  });
});
afterAll(async () => {
  await program.stop();
  gateway.close();
});

async function post(path: string, body: object, status = 201): Promise<Record<string, unknown>> {
  const response = await program.fetch('POST', path, { body: JSON.stringify(body) });
  expect(response.status, JSON.stringify(response.body)).toBe(status);
  return response.body as Record<string, unknown>;
}

async function ended(callId: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { body } = await program.fetch('GET', `/v1/calls/${callId}`);
    const call = body as Record<string, unknown>;
    if (['busy', 'failed', 'completed', 'error'].includes(call['status'] as string)) return call;
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

it('refuses other countries with 403 and lets no INVITE leave', async () => {
  for (const to of ['+5352123456', '+252612345678', '+37121234567', '+18095551234']) {
    const { error } = await post('/v1/calls', { to, from: OWN }, 403);
    expect(error).toMatchObject({ code: 'guardrail', details: [{ rule: 'G01' }] });
  }
  // One that may be called proves that the gateway would have seen the others.
  const { id } = await post('/v1/calls', { to: '+14155550142', from: OWN });
  expect(await ended(id as string)).toMatchObject({ status: 'busy', end_reason: 'user-busy' });
  expect([...invited.keys()]).toEqual(['+14155550142']);
});

it('waits after a busy before the same number is called again', async () => {
  const { error } = await post('/v1/calls', { to: '+14155550142', from: OWN }, 403);
  expect(error).toMatchObject({ details: [{ rule: 'G23', retry_at: expect.any(String) }] });
});

it('sends one INVITE a second over a new trunk, however fast calls are placed', async () => {
  const numbers = ['+14155550151', '+14155550152', '+14155550153'];
  const placed = await Promise.all(numbers.map((to) => post('/v1/calls', { to, from: OWN })));
  for (const { id } of placed) await ended(id as string);
  const times = numbers.map((to) => invited.get(to) ?? 0).sort((a, b) => a - b);
  // Three INVITEs are two seconds apart; a busy machine lets one of them leave a little late.
  expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_400);
});

it('does not dial a number that was listed after the call was admitted', async () => {
  const to = '+14155550161';
  const { id } = await post('/v1/calls', {
    to,
    from: OWN,
    scheduled_at: new Date(Date.now() + 2_000).toISOString(),
  });
  await post('/v1/do-not-call', { number: to });
  expect(await ended(id as string)).toMatchObject({
    status: 'failed',
    end_reason: 'guardrail',
    guardrail: 'G21',
    sip: { code: null },
  });
  expect(invited.has(to)).toBe(false);
});

it('lists somebody who says so in the call, from then on', async () => {
  const agent = await post('/v1/agents', {
    name: 'hears no',
    type: 'scripted',
    greeting: 'Hello.',
    script: {
      start: 'ask',
      states: {
        ask: { say: 'Can you confirm this appointment?', expects: { confirm: 'bye' } },
        bye: { say: 'Goodbye.', end: { reason: 'agent-goodbye', outcome: 'confirmed' } },
      },
      // The sandbox's person agrees; this agent takes any answer for a wish not to be called.
      intents: {
        confirm: { examples: ['blue elephants'] },
        'do-not-call': { examples: ['stop calling me'], patterns: ['.'] },
      },
    },
  });
  const to = '+14155551212';
  const call = await callAndWait(program, { to, agent_id: agent['id'] as string });
  expect(call).toMatchObject({ status: 'completed', end_reason: 'do-not-call-requested' });
  const listed = await program.fetch('GET', `/v1/do-not-call/${to}`);
  expect(listed.body).toMatchObject({ data: [{ source: 'call', call_id: call.id }] });
  const { error } = await post('/v1/calls', { to, agent_id: agent['id'] }, 403);
  expect(error).toMatchObject({ details: [{ rule: 'G21' }] });
});
