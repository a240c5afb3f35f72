import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeMulaw } from '../../server/src/audio/g711.ts';
import {
  finishChunk,
  startFakeOpenAiServer,
  textChunk,
  type FakeOpenAiServer,
} from '../../server/src/providers/testing/fake-openai-server.ts';
import { bolna, bolnaAgent, finalExecution, type Json } from './harness/bolna.ts';
import { runSample } from './harness/curl.ts';
import { freePort } from './harness/free-port.ts';
import { isInstalled, startSippServer, type PeerProcess } from './harness/peer-process.ts';
import { startProgram, type Program } from './harness/program.ts';
import { sippScenario } from './harness/trunk.ts';

/** Bolna's page on outbound calls over an own trunk: every command on it, in its order. */
const SAMPLES = {
  telephonyProvider: `curl -X PATCH https://api.bolna.ai/v2/agent/<agent-id> \\
  -H "Authorization: Bearer <your-bolna-api-key>" \\
  -H "Content-Type: application/json" \\
  -d '{
    "agent_config": {
      "telephony_provider": "sip-trunk"
    }
  }'`,
  call: `curl -X POST https://api.bolna.ai/call \\
  -H "Authorization: Bearer <your-bolna-api-key>" \\
  -H "Content-Type: application/json" \\
  -d '{
    "agent_id": "agt-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    "recipient": {
      "phone_number": "+918800001234",
      "name": "Rahul Sharma"
    },
    "from_number": "+919876543210"
  }'`,
  status: `curl -X GET https://api.bolna.ai/call/<execution-id>/status \\
  -H "Authorization: Bearer <your-bolna-api-key>"`,
  trunk: `curl -X GET https://api.bolna.ai/sip-trunks/trunks/<trunk-id> \\
  -H "Authorization: Bearer <your-bolna-api-key>"`,
  leadingPlus: `curl -X PATCH https://api.bolna.ai/sip-trunks/trunks/<trunk-id> \\
  -H "Authorization: Bearer <your-bolna-api-key>" \\
  -H "Content-Type: application/json" \\
  -d '{ "outbound_leading_plus_enabled": false }'`,
};
const SAMPLE_AGENT = 'agt-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx';
const CALLER = '+919876543210';
const RECIPIENT = '+918800001234';
const SAMPLE_RATE_HZ = 8_000;

let program: Program;
let model: FakeOpenAiServer;
let folder: string;
let agentId: string;
let trunkId: string;
let carrierPort: number;
const peers: PeerProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-seed-000-'));
  model = await startFakeOpenAiServer(() => ({
    type: 'stream',
    chunks: [textChunk('Is there anything else?'), finishChunk()],
    end: 'done',
  }));
  program = await startProgram();
  // The sample's numbers are Indian; the test must pass at night, too.
  await program.client.request('PATCH', '/v1/guardrails', {
    calling_windows: { enabled: false },
    attempts: { gap_after_no_answer_s: 0 },
  });
  carrierPort = await freePort();
  await prepare();
});
afterAll(async () => {
  await program.stop();
  await model.close();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});

/** The page's prerequisites: a trunk that is active, its number, an agent. */
async function prepare(): Promise<void> {
  const trunk = await bolna(program, 'POST', '/sip-trunks/trunks', {
    name: 'My Plivo trunk',
    provider: 'custom',
    auth_type: 'userpass',
    auth_username: 'trunkuser',
    auth_password: 's3cret',
    gateways: [{ gateway_address: '127.0.0.1', port: carrierPort }],
    qualify_frequency: 0,
  });
  expect(trunk).toMatchObject({ is_active: true, allow: 'ulaw,alaw', rtp_symmetric: true });
  trunkId = String(trunk['id']);
  await bolna(program, 'POST', `/sip-trunks/trunks/${trunkId}/numbers`, {
    phone_number: CALLER,
    name: 'Caller ID',
  });
  const agent = await bolna(program, 'POST', '/v2/agent', bolnaAgent(model.url));
  agentId = String(agent['agent_id']);
}

/** A carrier on the trunk's gateway: asks for the password, rings, answers, is silent. */
async function startCarrier(): Promise<PeerProcess> {
  const audio = path.join(folder, 'silence.ulaw');
  await writeFile(audio, encodeMulaw(new Int16Array(4 * SAMPLE_RATE_HZ)));
  const scenario = await sippScenario(folder, 'uas-407.xml', audio);
  const media = await freePort();
  const args = `-mi 127.0.0.1 -mp ${media} -trace_msg -message_file messages.log`.split(' ');
  const carrier = await startSippServer(carrierPort, ['-sf', scenario, ...args], folder);
  peers.push(carrier);
  return carrier;
}

/** The INVITEs that the carrier got, the whole text of each. */
async function invites(): Promise<string[]> {
  const log = await readFile(path.join(folder, 'messages.log'), 'utf8');
  return log
    .split(/^-{20,}.*$/m)
    .map((part) => /^INVITE sip:[^]*/m.exec(part)?.[0] ?? '')
    .filter((text) => text !== '');
}

describe('step 1', () => {
  it('sets the telephony provider of the agent', async () => {
    const answer = await runSample(program, SAMPLES.telephonyProvider, { '<agent-id>': agentId });
    expect(answer).toEqual({ status: 200, body: { message: 'success', state: 'updated' } });
    expect(await bolna(program, 'GET', `/v2/agent/${agentId}`)).toMatchObject({
      telephony_provider: 'sip-trunk',
      agent_name: 'Alfred',
    });
  });
});

describe.skipIf(!isInstalled('sipp'))('steps 2 and 3', () => {
  it('place the call over the trunk of the caller’s number, and follow it', async () => {
    const carrier = await startCarrier();
    const answer = await runSample(program, SAMPLES.call, { [SAMPLE_AGENT]: agentId });
    expect(answer.body).toMatchObject({ message: 'done', status: 'queued' });
    expect(answer.status).toBe(200);
    const { execution_id: id } = answer.body as { execution_id: string };

    const status = await runSample(program, SAMPLES.status, { '<execution-id>': id });
    expect(status.status).toBe(200);
    expect(status.body).toMatchObject({ execution_id: id, agent_id: agentId });

    const done = await finalExecution(program, id);
    expect(done, JSON.stringify(done)).toMatchObject({
      status: 'completed',
      telephony_data: {
        to_number: RECIPIENT,
        from_number: CALLER,
        call_type: 'outbound',
        provider: 'sip-trunk',
        hangup_by: 'API Request',
        hangup_reason: 'inactivity_timeout',
      },
    });
    // The recipient's name reached the agent.
    expect(done['transcript']).toMatch(/^assistant: .*Hello Rahul Sharma, this is Alfred/);
    expect(await carrier.exited, carrier.output()).toBe(0);

    const [first, second] = await invites();
    expect(first).toMatch(/^INVITE sip:\+918800001234@127\.0\.0\.1/);
    expect(first).toMatch(/^From: .*sip:\+919876543210@/m);
    // G.711 mu-law first, and the password only when it was asked for.
    expect(first).toMatch(/^m=audio \d+ RTP\/AVP 0 /m);
    expect(first).not.toMatch(/^Proxy-Authorization/m);
    expect(second).toMatch(/^Proxy-Authorization: Digest /m);
  });
});

describe('troubleshooting', () => {
  it('says whether the trunk is active, with its number and without its password', async () => {
    const answer = await runSample(program, SAMPLES.trunk, { '<trunk-id>': trunkId });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id: trunkId,
      is_active: true,
      auth_username: 'trunkuser',
      direct_media: false,
      force_rport: true,
      phone_numbers: [{ phone_number: CALLER }],
    });
    expect(JSON.stringify(answer.body)).not.toContain('s3cret');
  });

  it('refuses a caller’s number that is on no trunk', async () => {
    const answer = await runSample(program, SAMPLES.call, {
      [SAMPLE_AGENT]: agentId,
      [CALLER]: '+919876543219',
    });
    expect(answer.status).toBe(422);
    expect(String((answer.body as Json)['detail'])).toMatch(/from|number/i);
  });

  it.skipIf(!isInstalled('sipp'))(
    'leaves the plus out of dialled numbers when the trunk is told to',
    async () => {
      const answer = await runSample(program, SAMPLES.leadingPlus, { '<trunk-id>': trunkId });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ outbound_leading_plus_enabled: false });
      const carrier = await startCarrier();
      const placed = await runSample(program, SAMPLES.call, { [SAMPLE_AGENT]: agentId });
      const { execution_id: id } = placed.body as { execution_id: string };
      expect(await finalExecution(program, id)).toMatchObject({ status: 'completed' });
      expect(await carrier.exited, carrier.output()).toBe(0);
      expect((await invites())[0]).toMatch(/^INVITE sip:918800001234@127\.0\.0\.1/);
    },
  );
});
