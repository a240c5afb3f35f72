import { createSocket, type Socket } from 'node:dgram';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callAndWait, startProgram, type Program } from './harness/program.ts';

let program: Program;
let gateway: Socket;
/** Numbers of the INVITEs that reached the gateway, each retransmission once. */
const invited = new Map<string, number>();
const OWN = '+12125550123';
const PATIENT = { interval: 50 };

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

/** An INVITE of a platform on this machine, whose trunk knows it by its address; the final answer. */
async function inviteOverTrunk(domain: string, to: string): Promise<string> {
  const platform = createSocket('udp4');
  platform.bind(0, '127.0.0.1');
  await once(platform, 'listening');
  const { port } = platform.address();
  const invite = [
    `INVITE sip:${to}@${domain} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${randomUUID()};rport`,
    'Max-Forwards: 70',
    `From: <sip:${OWN}@127.0.0.1>;tag=${randomUUID()}`,
    `To: <sip:${to}@${domain}>`,
    `Call-ID: ${randomUUID()}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:platform@127.0.0.1:${port}>`,
    'Content-Type: application/sdp',
  ];
  const sdp = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 40000 RTP/AVP 0',
    '',
  ].join('\r\n');
  const final = new Promise<string>((resolve) => {
    platform.on('message', (bytes) => {
      const text = bytes.toString('latin1');
      if (!text.startsWith('SIP/2.0 1')) resolve(text);
    });
  });
  const text = `${invite.join('\r\n')}\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`;
  platform.send(text, program.carrierSipPort, '127.0.0.1');
  const answer = await final;
  platform.close();
  return answer;
}

it('holds the calls of a platform over a Zentrunk trunk to the same rules, and counts them', async () => {
  const { data } = (await program.fetch('GET', '/v1/workspaces')).body as {
    data: { id: string }[];
  };
  const zentrunk = `/v1/Account/${data[0]?.id}/Zentrunk`;
  const headers = {
    authorization: `Basic ${Buffer.from(`${data[0]?.id}:${program.apiKey}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  const send = async (path: string, body?: object): Promise<Record<string, unknown>> => {
    const init = body ? { method: 'POST', body: JSON.stringify(body) } : {};
    const response = await fetch(`${program.url}${zentrunk}${path}`, { headers, ...init });
    return (await response.json()) as Record<string, unknown>;
  };
  const acl = await send('/IPAccessControlList/', { name: 'here', ip_addresses: ['127.0.0.1'] });
  const made = await send('/Trunk/', {
    name: 'platform',
    trunk_direction: 'outbound',
    ipacl_uuid: acl['ipacl_uuid'],
  });
  const shown = await send(`/Trunk/${String(made['trunk_id'])}/`);
  const object = (shown['object'] ?? shown) as Record<string, unknown>;
  const domain = String(object['trunk_domain']);
  const to = '+14155550144';
  /** Latest first. A record is written after the answer to the INVITE has left. */
  const records = (): Promise<unknown[][]> =>
    send('/Call/').then(({ objects }) =>
      (objects as Record<string, unknown>[]).map((record) => [
        record['hangup_cause_code'],
        record['guardrail'],
      ]),
    );

  expect(await inviteOverTrunk(domain, to), JSON.stringify(shown)).toMatch(/^SIP\/2.0 486 /);
  expect(invited.has(to)).toBe(true);
  await expect.poll(records, PATIENT).toEqual([[4410, null]]);
  const again = await inviteOverTrunk(domain, to);
  expect(again).toMatch(/^SIP\/2.0 480 /);
  expect(again).toMatch(/^X-Trunkline-Guardrail: G23\r$/m);
  expect(again).toMatch(/^Retry-After: \d+\r$/m);
  const { error } = await post('/v1/calls', { to, from: OWN }, 403);
  expect(error).toMatchObject({ details: [{ rule: 'G23' }] });

  expect(await inviteOverTrunk(domain, '+5352123456')).toMatch(/^SIP\/2.0 403 /);
  await expect.poll(records, PATIENT).toEqual([
    [4560, 'G01'],
    [4540, 'G23'],
    [4410, null],
  ]);
});

it('sends one INVITE a second over a new trunk, however fast calls are placed', async () => {
  const numbers = [1, 2, 3, 4, 5].map((n) => `+1415555015${n}`);
  const placed = await Promise.all(numbers.map((to) => post('/v1/calls', { to, from: OWN })));
  for (const { id } of placed) await ended(id as string);
  const times = numbers.map((to) => invited.get(to) ?? 0).sort((a, b) => a - b);
  // The first and the last are four seconds apart; on a busy machine the first leaves late.
  expect((times[4] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(2_000);
});

it('does not dial a number that was listed after the call was admitted', async () => {
  const to = '+14155550161';
  const { id } = await post('/v1/calls', {
    to,
    from: OWN,
    // Later than the next request, on the busiest machine.
    scheduled_at: new Date(Date.now() + 8_000).toISOString(),
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
