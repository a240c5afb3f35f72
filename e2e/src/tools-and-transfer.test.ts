import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  finishChunk,
  startFakeOpenAiServer,
  textChunk,
  type FakeAnswer,
  type FakeOpenAiServer,
  type FakeRequest,
} from '../../server/src/providers/testing/fake-openai-server.ts';
import { startBaresip } from './harness/baresip.ts';
import { freePort } from './harness/free-port.ts';
import { isInstalled, startSippServer, type PeerProcess } from './harness/peer-process.ts';
import { callAndWait, eventOf, finalCall, startProgram, type Program } from './harness/program.ts';
import { createTrunk, sippScenario } from './harness/trunk.ts';

let program: Program;
let model: FakeOpenAiServer;
let desk: Server;
let deskUrl: string;
let folder: string;
const asked: { url: string; authorization: string | undefined }[] = [];
const peers: PeerProcess[] = [];

const TOKEN = 'desk-token-0123456789';
const GREETING = 'Hello, this is the front desk. Can you confirm your appointment?';
const TRANSFER_TO = '+14155550188';

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-transfer-'));
  model = await startFakeOpenAiServer(answerOf);
  desk = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
    response.end('{"slots":["ten o clock"],"ref":"R-77"}');
  });
  desk.listen(0, '127.0.0.1');
  await once(desk, 'listening');
  deskUrl = `http://127.0.0.1:${(desk.address() as AddressInfo).port}`;
  program = await startProgram({ env: { ALLOW_PRIVATE_TARGETS: '127.0.0.0/8' } });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});
afterAll(async () => {
  await program.stop();
  await model.close();
  desk.close();
  await rm(folder, { recursive: true, force: true });
});

function stream(text: string, tool?: { name: string; args: object }): FakeAnswer {
  const call = tool && {
    index: 0,
    id: 'call_1',
    type: 'function',
    function: { name: tool.name, arguments: JSON.stringify(tool.args) },
  };
  const chunks = [
    ...(text === '' ? [] : [textChunk(text)]),
    ...(call
      ? [{ choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] }]
      : []),
    finishChunk(call ? 'tool_calls' : 'stop'),
  ];
  return { type: 'stream', chunks, end: 'done' };
}

/** Calls the tool that the prompt names once, tells what came of it, and hangs up. */
function answerOf({ body }: FakeRequest): FakeAnswer {
  const messages = body['messages'] as { role: string; content: string }[];
  const name = /use (\w+)/.exec(messages[0]?.content ?? '')?.[1] ?? '';
  const result = messages.findLast(({ role }) => role === 'tool')?.content;
  if (result === undefined) {
    return stream('', {
      name,
      args: name === 'find_slot' ? { day: '2026-12-01' } : { target: 'desk' },
    });
  }
  const told = name === 'find_slot' ? `Please come at ${result}.` : 'They cannot be reached now.';
  return stream(`${told} Goodbye.`, { name: 'end_call', args: { reason: 'agent-goodbye' } });
}

async function agentWith(tool: object, use: string): Promise<string> {
  const { id } = await program.client.request<{ id: string }>('POST', '/v1/agents', {
    name: `Desk ${use}`,
    type: 'llm',
    greeting: GREETING,
    prompt: `When the caller has spoken, use ${use}.`,
    llm: { model: 'm', base_url: model.url },
    secrets: { DESK_TOKEN: TOKEN },
    tools: [tool],
  });
  return id;
}

const transferTo = (number: string) => ({
  type: 'transfer_call',
  // What is heard is the answer to the result, not a word said while the phone rings.
  filler: null,
  targets: [{ name: 'desk', number }],
});

interface Transfer {
  successful: boolean;
  method: string;
  reason: string | null;
  target_call_id: string | null;
  sip: { code: number | null };
}

function transfer(callId: string, body: object): Promise<Transfer> {
  return program.client.request('POST', `/v1/calls/${callId}/transfer`, body);
}

let nextCallee = 14_155_550_140;
/** A number that nobody has called before: a person is not called again and again. */
const freshNumber = (): string => `+${nextCallee++}`;

async function answeredCall(to: string, from?: string): Promise<string> {
  const { id } = await program.client.placeCall({ to, ...(from !== undefined && { from }) });
  await eventOf(program, id, (type) => type === 'call.answered');
  return id;
}

describe('tools of an agent', () => {
  it('an HTTP tool runs in the talk, its secret stays with the server, and the record shows it', async () => {
    const agentId = await agentWith(
      {
        type: 'http',
        name: 'find_slot',
        description: 'Free slots of a day.',
        parameters: { type: 'object', properties: { day: { type: 'string' } }, required: ['day'] },
        request: {
          method: 'GET',
          url: `${deskUrl}/slots/{day}`,
          headers: { Authorization: 'Bearer {{secrets.DESK_TOKEN}}' },
        },
        response: { text: '/slots/0', variables: { ref: '/ref' } },
      },
      'find_slot',
    );
    const call = await callAndWait(program, { to: '+15005550101', agent_id: agentId });
    expect(call.transcript).toMatch(/one moment.*ten o clock/is);
    expect(call).toMatchObject({
      end_reason: 'agent-goodbye',
      outcome: { variables: { ref: 'R-77' } },
      tool_runs: [
        { name: 'find_slot', kind: 'http', arguments: { day: '2026-12-01' }, status: 'ok' },
        { name: 'end_call', status: 'ok' },
      ],
    });
    expect(asked).toEqual([{ url: '/slots/2026-12-01', authorization: `Bearer ${TOKEN}` }]);
    expect(JSON.stringify(call) + (await program.log())).not.toContain(TOKEN);
  });

  it('T32: a transfer target is busy, and the caller hears the agent at once', async () => {
    const agentId = await agentWith(transferTo('+15005550102'), 'transfer_call');
    const { id } = await program.client.placeCall({ to: '+15005550101', agent_id: agentId });
    let busyAt = 0;
    let spokeAt = 0;
    for await (const { type, at, data } of program.client.callEvents(id)) {
      const atMs = Date.parse(at);
      if (type === 'tool.finished' && data['name'] === 'transfer_call') busyAt = atMs;
      const says = type === 'call.transcript' && /reached/i.test(String(data['text']));
      if (says && spokeAt === 0) spokeAt = atMs;
      if (type === 'call.status') break;
    }
    // Some 500 ms where nobody else wants the processor.
    expect(spokeAt - busyAt).toBeLessThan(4_000);
    const call = await program.client.getCall(id);
    expect(call.tool_runs[0]).toMatchObject({ status: 'failed', error: 'user-busy' });
    expect(call).toMatchObject({ status: 'completed', end_reason: 'agent-goodbye' });
  });

  it('a transfer connects the caller with the target, and whoever hangs up ends both', async () => {
    const agentId = await agentWith(transferTo('+15005550110'), 'transfer_call');
    const { id } = await program.client.placeCall({ to: '+15005550101', agent_id: agentId });
    const told = await eventOf(program, id, (type) => type === 'call.transferred');
    expect(told).toMatchObject({ to: '+15005550110', method: 'bridge', successful: true });
    const target = String(told['target_call_id']);
    await program.client.request('POST', `/v1/calls/${target}/hangup`);
    const [caller, called] = await Promise.all([
      finalCall(program, id),
      finalCall(program, target),
    ]);
    expect(caller).toMatchObject({
      status: 'completed',
      end_reason: 'transferred',
      tool_runs: [{ name: 'transfer_call', status: 'ok', error: null }],
    });
    expect(called).toMatchObject({ end_reason: 'api-stopped' });
  });
});

describe('POST /v1/calls/{id}/transfer', () => {
  it('tells why nobody was reached, and the agent goes on', async () => {
    const id = await answeredCall('+15005550111');
    expect(await transfer(id, { to: '+15005550105' })).toMatchObject({
      successful: false,
      method: 'bridge',
      reason: 'declined',
      sip: { code: 603 },
    });
    expect((await program.client.getCall(id)).status).toBe('in-progress');
    await program.client.request('POST', `/v1/calls/${id}/hangup`);
  });

  it('briefs the target before both are connected', async () => {
    const id = await answeredCall('+15005550111');
    const text = 'This is Ann about her invoice.';
    const done = await transfer(id, { to: '+15005550110', briefing: text });
    expect(done).toMatchObject({ successful: true });
    await program.client.request('POST', `/v1/calls/${id}/hangup`);
    const target = await finalCall(program, done.target_call_id ?? '');
    expect(target).toMatchObject({ end_reason: 'transferred' });
    expect(target.transcript).toMatch(/invoice/i);
    expect((await finalCall(program, id)).transcript).not.toMatch(/invoice/i);
  });
});

describe.skipIf(!isInstalled('sipp'))('sipp as a carrier that is asked by REFER', () => {
  async function dialled(scenario: string): Promise<{ id: string; sipp: PeerProcess }> {
    const port = await freePort();
    const file = await sippScenario(folder, scenario);
    const sipp = await startSippServer(port, ['-sf', file], folder);
    peers.push(sipp);
    const { from } = await createTrunk(program, { gateways: [{ host: '127.0.0.1', port }] });
    return { id: await answeredCall(freshNumber(), from), sipp };
  }

  it('T32 RFC 3515: NOTIFY 486 fails the transfer and leaves the call with the agent', async () => {
    const { id, sipp } = await dialled('uas-refer-busy.xml');
    expect(await transfer(id, { to: TRANSFER_TO, method: 'refer' })).toMatchObject({
      successful: false,
      method: 'refer',
      reason: 'user-busy',
      target_call_id: null,
      sip: { code: 486 },
    });
    expect((await program.client.getCall(id)).status).toBe('in-progress');
    await program.client.request('POST', `/v1/calls/${id}/hangup`);
    expect(await sipp.exited, sipp.output()).toBe(0);
  });

  it('T32 RFC 3515: NOTIFY 200 moves the call, and our leg ends with BYE after it', async () => {
    const { id, sipp } = await dialled('uas-refer-moved.xml');
    expect(await transfer(id, { to: TRANSFER_TO, method: 'refer' })).toMatchObject({
      successful: true,
      method: 'refer',
      sip: { code: 200 },
    });
    expect(await finalCall(program, id)).toMatchObject({
      status: 'completed',
      end_reason: 'transferred',
    });
    expect(await sipp.exited, sipp.output()).toBe(0);
  });

  it('T32 RFC 3515: a target that may not be called is refused before any REFER', async () => {
    const { id } = await dialled('uas-wait-for-bye.xml');
    const { status } = await program.fetch('POST', `/v1/calls/${id}/transfer`, {
      body: JSON.stringify({ to: '+447700900123', method: 'refer' }),
    });
    expect(status).toBe(403);
    await program.client.request('POST', `/v1/calls/${id}/hangup`);
  });
});

describe.skipIf(!isInstalled('baresip'))('baresip as a far end that sends REFER', () => {
  async function phoneWith(trunk: object): Promise<{
    id: string;
    phone: Awaited<ReturnType<typeof startBaresip>>;
  }> {
    const where = path.join(folder, `phone-${peers.length}-${Object.keys(trunk).length}`);
    const number = freshNumber();
    const phone = await startBaresip(where, number, new Int16Array(8_000));
    peers.push(phone.process);
    const gateways = [{ host: '127.0.0.1', port: phone.sipPort }];
    const { from, trunkId } = await createTrunk(program, { gateways });
    await program.client.request('PATCH', `/v1/trunks/${trunkId}`, {
      ...trunk,
      calls_per_second: 10,
    });
    return { id: await answeredCall(number, from), phone };
  }

  it('T32 RFC 3515: is refused with 603, and the call goes on', async () => {
    const { id, phone } = await phoneWith({});
    await phone.command('transfer', `sip:${TRANSFER_TO}@127.0.0.1`);
    await phone.process.waitFor(/603/);
    expect((await program.client.getCall(id)).status).toBe('in-progress');
    await program.client.request('POST', `/v1/calls/${id}/hangup`);
  });

  it('T32 RFC 3515: where the trunk accepts it, the agent calls the number that it names', async () => {
    const { id, phone } = await phoneWith({ accepts_refer: true });
    await phone.command('transfer', `sip:${TRANSFER_TO}@127.0.0.1`);
    const referred = async () => {
      const { data } = await program.client.request<{ data: { to: string }[] }>(
        'GET',
        `/v1/calls?metadata_key=referred_by&metadata_value=${id}`,
      );
      return data.map(({ to }) => to);
    };
    await expect.poll(referred).toEqual([TRANSFER_TO]);
    await program.client.request('POST', `/v1/calls/${id}/hangup`).catch(() => undefined);
  });
});
