import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  finishChunk,
  startFakeOpenAiServer,
  textChunk,
  type FakeAnswer,
  type FakeOpenAiServer,
  type FakeRequest,
} from '../../server/src/providers/testing/fake-openai-server.ts';
import { encodeMulaw } from '../../server/src/audio/g711.ts';
import { bolna, bolnaAgent, finalExecution, type Json } from './harness/bolna.ts';
import { freePort } from './harness/free-port.ts';
import { isInstalled, startPeer } from './harness/peer-process.ts';
import { startProgram, type Program } from './harness/program.ts';
import { sippScenario } from './harness/trunk.ts';

let program: Program;
let model: FakeOpenAiServer;
let receiver: { url: string; posts: Json[]; close: () => Promise<void> };
let agentId: string;

beforeAll(async () => {
  receiver = await startReceiver();
  model = await startFakeOpenAiServer(answerOf);
  program = await startProgram({ env: { ALLOW_PRIVATE_TARGETS: '127.0.0.0/8' } });
  agentId = await newAgent();
});
afterAll(async () => {
  await program.stop();
  await model.close();
  await receiver.close();
});

/** The team's own server, which Bolna posts every status to. */
async function startReceiver(): Promise<typeof receiver> {
  const posts: Json[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      posts.push(JSON.parse(Buffer.concat(chunks).toString()) as Json);
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/bolna`,
    posts,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Of an agent whose callee is taken for a machine, whatever it says. */
const MAILBOX_PROMPT = 'You call mailboxes only.';

/** A model that says goodbye by its tool once it was answered, and reads data out of a transcript. */
function answerOf({ body }: FakeRequest): FakeAnswer {
  const messages = body['messages'] as { role: string; content: string }[];
  const wantsJson = JSON.stringify(body).includes('appointment_confirmed');
  if (wantsJson) {
    const text = JSON.stringify({ data: { appointment_confirmed: true, reason: 'it suits' } });
    return { type: 'stream', chunks: [textChunk(text), finishChunk()], end: 'done' };
  }
  const turns = messages.filter(({ role }) => role === 'assistant').length;
  // Not by what was heard: recognition of a machine's words is not what is tested here.
  const isMachine = messages.some(({ content }) => content.includes(MAILBOX_PROMPT));
  if (turns < 2 && !isMachine) {
    const text = textChunk('Wonderful. Can you confirm the appointment tomorrow at ten?');
    return { type: 'stream', chunks: [text, finishChunk()], end: 'done' };
  }
  const call = {
    index: 0,
    id: 'call_1',
    type: 'function',
    function: {
      name: 'end_call',
      arguments: JSON.stringify({ reason: isMachine ? 'voicemail' : 'agent-goodbye' }),
    },
  };
  const tool = { choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] };
  return {
    type: 'stream',
    chunks: [textChunk('Have a great day, goodbye!'), tool, finishChunk('tool_calls')],
    end: 'done',
  };
}

async function newAgent(parts: Parameters<typeof bolnaAgent>[1] = {}): Promise<string> {
  const document = bolnaAgent(model.url, {
    ...parts,
    config: {
      agent_welcome_message: 'Hello {name}, do you have a minute?',
      webhook_url: receiver.url,
      ...parts.config,
    },
  });
  return String((await bolna(program, 'POST', '/v2/agent', document))['agent_id']);
}

async function placed(to: string, body: Json = {}): Promise<string> {
  const answer = await bolna(program, 'POST', '/call', {
    agent_id: agentId,
    recipient_phone_number: to,
    user_data: { name: 'Rahul' },
    ...body,
  });
  // The page's answer of "1. Call request accepted".
  expect(answer).toMatchObject({ execution_id: expect.any(String), status: 'queued' });
  return String(answer['execution_id']);
}

/** Resolves when the receiver was told the status. */
async function told(id: string, status: string): Promise<Json> {
  for (;;) {
    const post = receiver.posts.find((each) => each['id'] === id && each['status'] === status);
    if (post) return post;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function statusesOf(id: string): unknown[] {
  return receiver.posts.filter((post) => post['id'] === id).map((post) => post['status']);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const EMPTY_UNTIL_COMPLETED = {
  conversation_duration: 0,
  total_cost: 0,
  transcript: null,
  extracted_data: null,
  telephony_data: { duration: '0', recording_url: null },
};

describe('an answered call', () => {
  it('goes through all its stages, each told to the webhook in order, complete with completed only', async () => {
    const agent = await newAgent({
      // Long enough for a person who thinks, on a machine that is busy.
      task: { hangup_after_silence: 25 },
      tasks: [
        {
          task_type: 'extraction',
          toolchain: { execution: 'parallel', pipelines: [['llm']] },
          tools_config: {
            llm_agent: {
              agent_type: 'simple_llm_agent',
              llm_config: {
                extraction_details: 'appointment_confirmed : whether it is\nreason : why',
              },
            },
          },
        },
      ],
    });
    const id = await placed('+15005550101', { agent_id: agent });
    expect(id).toMatch(UUID);
    const seen: Json[] = [];
    const done = await finalExecution(program, id, (execution) => seen.push(execution));
    for (const execution of seen.filter(({ status }) => status !== 'completed')) {
      expect(execution).toMatchObject(EMPTY_UNTIL_COMPLETED);
    }

    await told(id, 'completed');
    expect(statusesOf(id)).toEqual([
      'queued',
      'initiated',
      'ringing',
      'in-progress',
      'call-disconnected',
      'completed',
    ]);
    for (const status of ['queued', 'ringing', 'in-progress', 'call-disconnected']) {
      expect(await told(id, status)).toMatchObject(EMPTY_UNTIL_COMPLETED);
    }
    const hungUp = { hangup_by: 'API Request', hangup_reason: 'llm_prompted_hangup' };
    expect(await told(id, 'call-disconnected')).toMatchObject({ telephony_data: hungUp });

    expect(done, JSON.stringify(done)).toMatchObject({
      status: 'completed',
      agent_id: agent,
      extracted_data: { appointment_confirmed: true },
      telephony_data: { ...hungUp, to_number: '+15005550101', call_type: 'outbound' },
    });
    expect(done['conversation_duration']).toBeGreaterThan(3);
    expect(done['transcript']).toMatch(/^assistant: .*Hello Rahul/);
    expect(done['transcript']).toMatch(/^user: /m);

    // The last POST is what GET answers; only the links to the recording end at different times.
    const { telephony_data: posted, ...rest } = await told(id, 'completed');
    const { telephony_data: shown, ...others } = done;
    expect({ ...rest, updated_at: null }).toEqual({ ...others, updated_at: null });
    const linkless = { recording_url: null };
    expect({ ...(posted as Json), ...linkless }).toEqual({ ...(shown as Json), ...linkless });
    const recording = await fetch(String((shown as Json)['recording_url']));
    expect(recording.status).toBe(200);
    expect((await recording.arrayBuffer()).byteLength).toBeGreaterThan(20_000);

    const log = await bolna(program, 'GET', `/executions/${id}/log`);
    const components = (log['data'] as Json[]).map(({ component }) => component);
    expect(components).toEqual(expect.arrayContaining(['transcriber', 'llm', 'telephony']));
  });

  it('of a voicemail says so, and is made again where retry_on_voicemail says so', async () => {
    const agent = await newAgent({ prompt: MAILBOX_PROMPT });
    const id = await placed('+15005550104', {
      agent_id: agent,
      retry_config: {
        enabled: true,
        retry_on_statuses: ['no-answer'],
        retry_on_voicemail: true,
        retry_intervals_minutes: [600],
      },
    });
    const done = await finalExecution(program, id);
    const machine = {
      status: 'completed',
      answered_by_voice_mail: true,
      telephony_data: { hangup_reason: 'voicemail_detected' },
    };
    expect(done, JSON.stringify(done)).toMatchObject(machine);
    expect(await told(id, 'completed')).toMatchObject(machine);
    const list = `/v2/agent/${agent}/executions?answered_by_voice_mail`;
    const { data: found } = await bolna(program, 'GET', `${list}=true`);
    expect((found as Json[]).map((each) => each['id'])).toContain(id);
    const { data: others } = await bolna(program, 'GET', `${list}=false`);
    expect((others as Json[]).map((each) => each['id'])).not.toContain(id);
    const again = await bolna(program, 'GET', '/v1/calls?to=%2B15005550104&status=scheduled');
    expect(again['data']).toMatchObject([
      { attempt: 2, retry_of: expect.any(String), answered_by: null },
    ]);
  });

  it('ends when the recipient hangs up', async () => {
    const greeting = `Hello {name}, ${'this takes a little while, so please bear with me. '.repeat(4)}`;
    const agent = await newAgent({ config: { agent_welcome_message: greeting } });
    const done = await finalExecution(program, await placed('+15005550114', { agent_id: agent }));
    expect(done).toMatchObject({
      status: 'completed',
      telephony_data: { hangup_by: 'Callee', hangup_provider_code: 4000 },
      termination_reason: 'user_hung_up',
    });
  });

  it('ends after hangup_after_silence', async () => {
    const agent = await newAgent({ task: { hangup_after_silence: 3, call_terminate: 60 } });
    const done = await finalExecution(program, await placed('+15005550111', { agent_id: agent }));
    expect(done).toMatchObject({
      status: 'completed',
      telephony_data: { hangup_reason: 'inactivity_timeout' },
    });
  });

  it('ends after call_terminate', async () => {
    const agent = await newAgent({ task: { hangup_after_silence: 60, call_terminate: 10 } });
    const done = await finalExecution(program, await placed('+15005550111', { agent_id: agent }));
    expect(done).toMatchObject({
      status: 'completed',
      telephony_data: { hangup_reason: 'Call timed out' },
    });
    expect(done['conversation_duration']).toBeGreaterThan(9);
    // The goodbye included; without the limit it would be a minute of silence.
    expect(done['conversation_duration']).toBeLessThan(50);
  });

  it('is stopped in the middle', async () => {
    const agent = await newAgent({ task: { hangup_after_silence: 60 } });
    const id = await placed('+15005550111', { agent_id: agent });
    await told(id, 'in-progress');
    const answer = await bolna(program, 'POST', `/call/${id}/stop`);
    expect(answer).toEqual({ message: 'done', status: 'stopped', execution_id: id });
    expect(await finalExecution(program, id)).toMatchObject({
      status: 'stopped',
      telephony_data: { hangup_by: 'API Request' },
    });
  });
});

describe.skipIf(!isInstalled('sipp'))('a call that comes in', () => {
  it('goes through the same stages from ringing on, with the agent of the number', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-seed-001-'));
    const port = await freePort();
    const number = '+14155552671';
    const agent = await newAgent({ task: { hangup_after_silence: 30 } });
    const trunk = await bolna(program, 'POST', '/sip-trunks/trunks', {
      name: 'Inbound',
      provider: 'custom',
      auth_type: 'ip-based',
      gateways: [{ gateway_address: '127.0.0.1', port }],
      ip_identifiers: [{ ip_address: '127.0.0.1' }],
      inbound_enabled: true,
      qualify_frequency: 0,
      phone_numbers: [{ phone_number: number }],
    });
    const [{ id: numberId } = {}] = trunk['phone_numbers'] as Json[];
    const mapping = { agent_id: agent, phone_number_id: String(numberId) };
    await bolna(program, 'POST', '/inbound/setup', mapping);

    const audio = path.join(folder, 'silence.ulaw');
    await writeFile(audio, encodeMulaw(new Int16Array(32_000)));
    const scenario = await sippScenario(folder, 'uac-call.xml', audio);
    const args = `127.0.0.1:${program.sipPort} -i 127.0.0.1 -p ${port} -mi 127.0.0.1 -mp ${await freePort()} -s ${number} -m 1 -d 14000 -nostdin`;
    const caller = startPeer('sipp', ['-sf', scenario, ...args.split(' ')], { cwd: folder });
    expect(await caller.exited, caller.output()).toBe(0);

    const page = await bolna(program, 'GET', `/v2/agent/${agent}/executions?call_type=inbound`);
    const [{ id } = {}] = page['data'] as Json[];
    const done = await finalExecution(program, String(id));
    expect(done, JSON.stringify(done)).toMatchObject({
      status: 'completed',
      telephony_data: {
        call_type: 'inbound',
        to_number: number,
        from_number: '+14155550199',
        hangup_by: 'Caller',
        hangup_provider_code: 4000,
      },
    });
    expect(done['transcript']).toMatch(/^assistant: .*do you have a minute/i);
    await told(String(id), 'completed');
    expect(statusesOf(String(id)).slice(-3)).toEqual([
      'in-progress',
      'call-disconnected',
      'completed',
    ]);
    await rm(folder, { recursive: true, force: true });
  });
});

describe('a call that is not answered', () => {
  it.each([
    ['+15005550102', 'busy', { hangup_reason: 'Call recipient was busy' }],
    ['+15005550103', 'no-answer', { hangup_reason: 'Call unanswered' }],
    ['+15005550105', 'failed', { hangup_reason: 'Call recipient rejected' }],
    ['+15005550106', 'failed', { hangup_reason: 'Call recipient number invalid' }],
  ])('to %s is %s, without ever being in progress', async (to, status, telephony) => {
    const id = await placed(to);
    const done = await finalExecution(program, id);
    expect(done).toMatchObject({ status, conversation_duration: 0, telephony_data: telephony });
    await told(id, status);
    expect(statusesOf(id).slice(0, 2)).toEqual(['queued', 'initiated']);
    expect(statusesOf(id).at(-1)).toBe(status);
    expect(statusesOf(id)).not.toContain('in-progress');
  });

  it('is canceled before it is dialled', async () => {
    const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
    const answer = await bolna(program, 'POST', '/call', {
      agent_id: agentId,
      recipient_phone_number: '+15005550101',
      scheduled_at: scheduledAt,
    });
    const id = String(answer['execution_id']);
    expect(await bolna(program, 'GET', `/executions/${id}`)).toMatchObject({ status: 'scheduled' });
    await bolna(program, 'POST', `/call/${id}/stop`);
    await told(id, 'canceled');
    expect(statusesOf(id)).toEqual(['scheduled', 'canceled']);
  });

  it('is balance-low when the wallet is empty, and nobody is dialled', async () => {
    await program.client.request('POST', '/v1/rates', {
      kind: 'platform',
      provider: '*',
      unit: 'minute',
      micros_per_unit: 50_000,
    });
    await program.client.request('PATCH', '/v1/wallet', { mode: 'prepaid' });
    const answer = await bolna(program, 'POST', '/call', {
      agent_id: agentId,
      recipient_phone_number: '+15005550101',
    });
    await program.client.request('PATCH', '/v1/wallet', { mode: 'unlimited' });
    const id = String(answer['execution_id']);
    const done = await finalExecution(program, id);
    expect(done).toMatchObject({ status: 'balance-low', conversation_duration: 0 });
    await told(id, 'balance-low');
    expect(statusesOf(id)).not.toContain('initiated');
  });
});
