import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import plivo from 'plivo';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeMulaw } from '../../server/src/audio/g711.ts';
import { startBaresip } from './harness/baresip.ts';
import { freePort } from './harness/free-port.ts';
import {
  isInstalled,
  startPeer,
  startSippServer,
  type PeerProcess,
} from './harness/peer-process.ts';
import { startProgram, type Program } from './harness/program.ts';
import { sippScenario } from './harness/trunk.ts';

/** The setup of an AI platform on Zentrunk, as commands: what is in braces is given in. */
const SAMPLES = {
  credential: `curl -X POST https://api.plivo.com/v1/Account/{auth_id}/Zentrunk/Credential/ \\
  -u {auth_id}:{auth_token} \\
  -H "Content-Type: application/json" \\
  -d '{"name": "AI platform", "username": "agents2026", "password": "Secret#2026"}'`,
  ipAcl: `curl -X POST https://api.plivo.com/v1/Account/{auth_id}/Zentrunk/IPAccessControlList/ \\
  -u {auth_id}:{auth_token} \\
  -H "Content-Type: application/json" \\
  -d '{"name": "AI platform", "ip_addresses": ["192.0.2.10", "198.51.100.0/24"]}'`,
  outboundTrunk: `curl -X POST https://api.plivo.com/v1/Account/{auth_id}/Zentrunk/Trunk/ \\
  -u {auth_id}:{auth_token} \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Outbound", "trunk_direction": "outbound", "trunk_status": "enabled", "secure": false, "credential_uuid": "{credential_uuid}"}'`,
  outboundTrunkByAddress: `curl -X POST https://api.plivo.com/v1/Account/{auth_id}/Zentrunk/Trunk/ \\
  -u {auth_id}:{auth_token} \\
  -H "Content-Type: application/json" \\
  -d '{"name": "By address", "trunk_direction": "outbound", "ipacl_uuid": "{ipacl_uuid}"}'`,
  uri: `curl -X POST https://api.plivo.com/v1/Account/{auth_id}/Zentrunk/URI/ \\
  -u {auth_id}:{auth_token} \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Primary", "uri": "{uri}"}'`,
  uriWithLogin: `curl -X POST https://api.plivo.com/v1/Account/{auth_id}/Zentrunk/URI/ \\
  -u {auth_id}:{auth_token} \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Fallback", "uri": "{uri}", "authentication_needed": true, "username": "trunkuser", "password": "s3cret"}'`,
  inboundTrunk: `curl -X POST https://api.plivo.com/v1/Account/{auth_id}/Zentrunk/Trunk/ \\
  -u {auth_id}:{auth_token} \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Inbound", "trunk_direction": "inbound", "primary_uri_uuid": "{primary_uri_uuid}", "fallback_uri_uuid": "{fallback_uri_uuid}"}'`,
  number: `curl -X POST https://api.plivo.com/v1/Account/{auth_id}/Number/{number}/ \\
  -u {auth_id}:{auth_token} \\
  -H "Content-Type: application/json" \\
  -d '{"app_id": "{trunk_id}"}'`,
};
const URI_FORMS = [
  'sip.example.com:5060',
  'sip.example.com',
  '192.168.1.100:5060',
  '192.168.1.100',
];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SANDBOX_CALLER = '+15005550199';
const SAMPLE_RATE_HZ = 8_000;

type Json = Record<string, unknown>;

let program: Program;
let authId: string;
let folder: string;
const peers: PeerProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-seed-003-'));
  program = await startProgram();
  const { data } = await program.client.request<{ data: { id: string }[] }>(
    'GET',
    '/v1/workspaces',
  );
  authId = String(data[0]?.id);
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});

/** Runs a command with this program's host and keys. */
function curl(
  command: string,
  values: Record<string, string> = {},
): Promise<{ status: number; body: Json }> {
  let text = command.replaceAll('https://api.plivo.com', program.url);
  const all = { auth_id: authId, auth_token: program.apiKey, ...values };
  for (const [name, value] of Object.entries(all)) text = text.replaceAll(`{${name}}`, value);
  return new Promise((resolve, reject) => {
    const args = ['-c', `${text} -s -w '\\n%{http_code}'`];
    execFile('bash', args, { timeout: 30_000 }, (error, stdout, stderr) => {
      if (error) return reject(new Error(`${text}\n${stderr}`, { cause: error }));
      const end = stdout.lastIndexOf('\n');
      const body = stdout.slice(0, end);
      resolve({
        status: Number(stdout.slice(end + 1)),
        body: body === '' ? {} : (JSON.parse(body) as Json),
      });
    });
  });
}

function get(where: string): Promise<{ status: number; body: Json }> {
  return curl(`curl -g -u {auth_id}:{auth_token} '${program.url}/v1/Account/{auth_id}/${where}'`);
}

/** What a create command of the samples made, by the name of its id. */
async function made(
  sample: keyof typeof SAMPLES,
  idName: string,
  values: Record<string, string> = {},
): Promise<string> {
  const { status, body } = await curl(SAMPLES[sample], values);
  expect(status, JSON.stringify(body)).toBe(201);
  expect(body['api_id']).toMatch(UUID);
  expect(Object.keys(body).sort()).toEqual(['api_id', 'message', idName].sort());
  return String(body[idName]);
}

async function outboundTrunk(): Promise<{ id: string; domain: string }> {
  const credential = await made('credential', 'credential_uuid');
  const id = await made('outboundTrunk', 'trunk_id', { credential_uuid: credential });
  const { body } = await get(`Zentrunk/Trunk/${id}/`);
  return { id, domain: String(body['trunk_domain']) };
}

/** A number of the account, on the sandbox's trunk. */
async function ownNumber(e164: string): Promise<string> {
  await program.client.request('POST', '/v1/numbers', {
    number: e164,
    trunk_id: 'trunk_sandbox',
    agent_id: null,
  });
  return e164.slice(1);
}

/** The records of a trunk's calls, when there are so many. */
async function recordsOf(domain: string, count: number): Promise<Json[]> {
  for (;;) {
    const { body } = await get('Zentrunk/Call/');
    const records = (body['objects'] as Json[]).filter((one) => one['trunk_domain'] === domain);
    if (records.length >= count) return records;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface PbxCall {
  domain: string;
  to?: string;
  caller?: string;
  password?: string;
  holdMs?: number;
}

/** A PBX calls over a trunk; its exit code and what it printed. */
async function pbxCalls(call: PbxCall): Promise<{ code: number | null; output: string }> {
  const { domain, to = '+15005550110', caller = SANDBOX_CALLER, holdMs = 1_500 } = call;
  const audio = path.join(folder, 'silence.ulaw');
  await writeFile(audio, encodeMulaw(new Int16Array(4 * SAMPLE_RATE_HZ)));
  const scenario = await sippScenario(folder, 'uac-trunk.xml', audio);
  const [port, mediaPort] = [await freePort(), await freePort()];
  const pbx = startPeer(
    'sipp',
    [
      `-sf ${scenario} -i 127.0.0.1 -p ${port} -mi 127.0.0.1 -mp ${mediaPort} -m 1 -nostdin -s ${to}`,
      `-key domain ${domain} -key caller ${caller} -d ${holdMs}`,
      `-au agents2026 -ap ${call.password ?? 'Secret#2026'} 127.0.0.1:${program.carrierSipPort}`,
    ].flatMap((part) => part.split(' ')),
    { cwd: folder },
  );
  peers.push(pbx);
  return { code: await pbx.exited, output: pbx.output() };
}

describe('the setup of an AI platform', () => {
  it('runs unchanged but for host and keys, and answers with the documented words', async () => {
    const credential = await curl(SAMPLES.credential);
    expect(credential).toMatchObject({
      status: 201,
      body: { message: 'credential created successfully.' },
    });
    const acl = await curl(SAMPLES.ipAcl);
    expect(acl).toMatchObject({
      status: 201,
      body: { message: 'IP access control list created successfully.' },
    });
    const outbound = await curl(SAMPLES.outboundTrunk, {
      credential_uuid: String(credential.body['credential_uuid']),
    });
    expect(outbound).toMatchObject({
      status: 201,
      body: {
        message: 'Trunk created successfully.',
        trunk_id: expect.stringMatching(/^\d{14,18}$/),
      },
    });
    expect(outbound.body).not.toHaveProperty('trunk_domain');
    await made('outboundTrunkByAddress', 'trunk_id', {
      ipacl_uuid: String(acl.body['ipacl_uuid']),
    });
    const uris = [];
    for (const uri of URI_FORMS) uris.push(await made('uri', 'uri_uuid', { uri }));
    const login = await made('uriWithLogin', 'uri_uuid', {
      uri: 'sip:agent@sip.example.com;transport=tcp',
    });
    const inbound = await made('inboundTrunk', 'trunk_id', {
      primary_uri_uuid: String(uris[0]),
      fallback_uri_uuid: login,
    });
    const read = await get(`Zentrunk/URI/${login}/`);
    expect(read.body).toMatchObject({
      uri: 'sip:agent@sip.example.com;transport=tcp',
      authentication_needed: true,
      username: 'trunkuser',
      sip_user: 'agent',
    });
    expect(JSON.stringify(read.body)).not.toContain('s3cret');
    const { body: trunk } = await get(`Zentrunk/Trunk/${inbound}/`);
    expect(trunk).toMatchObject({ trunk_direction: 'inbound', object: { trunk_id: inbound } });
    const number = await ownNumber('+14155552201');
    expect(await curl(SAMPLES.number, { number, trunk_id: inbound })).toMatchObject({
      status: 202,
      body: { message: 'changed' },
    });
    expect((await get(`Number/${number}/`)).body).toMatchObject({
      application: `/v1/Account/${authId}/Zentrunk/Trunk/${inbound}/`,
    });
  });

  it('has lists that end when they are followed by twenties', async () => {
    for (let n = 0; n < 23; n++) await made('credential', 'credential_uuid');
    const seen = new Set<string>();
    for (let offset = 0; ; offset += 20) {
      const { body } = await get(`Zentrunk/Credential/?limit=20&offset=${offset}`);
      const objects = body['objects'] as Json[];
      for (const object of objects) seen.add(String(object['credential_uuid']));
      if (objects.length < 20) {
        expect((body['meta'] as Json)['total_count']).toBe(seen.size);
        break;
      }
    }
    expect(seen.size).toBeGreaterThanOrEqual(23);
  });

  it('works for the plivo client’s numbers', async () => {
    const number = await ownNumber('+14155552202');
    const uri = await made('uri', 'uri_uuid', { uri: 'sip.example.com' });
    const trunkId = await made('inboundTrunk', 'trunk_id', {
      primary_uri_uuid: uri,
      fallback_uri_uuid: '',
    });
    const client = new plivo.Client(authId, program.apiKey, {
      url: `${program.url}/v1/Account/${authId}`,
    });
    const changed = await client.numbers.update(number, { appId: trunkId });
    expect(changed).toMatchObject({ message: 'changed' });
    const numbers = client.numbers as unknown as { get(number: string): Promise<Json> };
    const found = await numbers.get(number);
    expect(found).toMatchObject({
      application: `/v1/Account/${authId}/Zentrunk/Trunk/${trunkId}/`,
    });
    const list = (await client.numbers.list({ limit: 20 })) as unknown as Json[];
    expect(list.map((one) => one['number'])).toContain(number);
  });
});

describe.skipIf(!isInstalled('sipp'))('a PBX on an outbound trunk', () => {
  it('signs in at its domain, talks to a phone, and reads the record', async () => {
    const { domain } = await outboundTrunk();
    const { code, output } = await pbxCalls({ domain });
    expect(code, output).toBe(0);
    const [record] = await recordsOf(domain, 1);
    expect(record).toMatchObject({
      call_direction: 'outbound',
      from_number: SANDBOX_CALLER,
      to_number: '+15005550110',
      hangup_cause_code: 3010,
      hangup_cause_name: 'normal_hangup',
      hangup_source: 'customer',
      transport_protocol: 'udp',
      srtp: false,
      billed_duration: 60,
      total_amount: '0.00000',
      from_country: 'US',
    });
    expect(record?.['bill_duration']).toBeGreaterThanOrEqual(1);
    const { body: insights } = await get(
      `Zentrunk/Call/${String(record?.['call_uuid'])}/Insights/`,
    );
    expect(insights).toMatchObject({ packet_loss: '0', hangup_cause: 'normal_hangup' });
    // 4.4 where the packets come evenly; those of a busy machine do not.
    expect(Number(insights['plivo_quality_score'])).toBeGreaterThan(3);
  });

  it('is known by its user name where it can only dial an address', async () => {
    const { domain } = await outboundTrunk();
    const address = `127.0.0.1:${program.carrierSipPort}`;
    const { code, output } = await pbxCalls({ domain: address, to: '15005550110' });
    expect(code, output).toBe(0);
    expect(domain).toMatch(/^\d{15}\.localhost$/);
  });

  it.each([
    ['a wrong password', { password: 'Wrong#2026' }, 4180, 'customer'],
    ['a caller ID that is not the account’s', { caller: '+14155550188' }, 4190, 'zentrunk'],
    ['a busy phone', { to: '+15005550102' }, 4410, 'carrier'],
    ['a number that does not exist', { to: '+15005550106' }, 4090, 'carrier'],
  ])('is refused for %s, with its code in the record', async (_what, call, code, source) => {
    const { domain } = await outboundTrunk();
    const pbx = await pbxCalls({ domain, ...call });
    expect(pbx.code).not.toBe(0);
    expect(await recordsOf(domain, 1)).toMatchObject([
      { hangup_cause_code: code, hangup_source: source, bill_duration: 0 },
    ]);
  });

  it('is refused where its address is not on the list, and let in where it is', async () => {
    const acl = await made('ipAcl', 'ipacl_uuid');
    const id = await made('outboundTrunkByAddress', 'trunk_id', { ipacl_uuid: acl });
    const domain = `${id}.localhost`;
    expect((await pbxCalls({ domain })).code).not.toBe(0);
    expect(await recordsOf(domain, 1)).toMatchObject([{ hangup_cause_code: 4180 }]);
    await curl(
      `curl -u {auth_id}:{auth_token} -H 'Content-Type: application/json' -d '{"ip_addresses": ["127.0.0.1"]}' ${program.url}/v1/Account/{auth_id}/Zentrunk/IPAccessControlList/${acl}/`,
    );
    const credential = await made('credential', 'credential_uuid');
    await curl(
      `curl -u {auth_id}:{auth_token} -H 'Content-Type: application/json' -d '{"credential_uuid": "${credential}"}' ${program.url}/v1/Account/{auth_id}/Zentrunk/Trunk/${id}/`,
    );
    const { code, output } = await pbxCalls({ domain });
    expect(code, output).toBe(0);
  });
});

describe.skipIf(!isInstalled('sipp'))('a number on an inbound trunk', () => {
  /** A call to the number from somebody on the sandbox's network. */
  async function callNumber(number: string): Promise<string> {
    const call = await program.client.placeCall({ to: `+${number}` });
    return call.id;
  }

  it('rings the AI platform’s second URI when the first is dead, with its login', async () => {
    const port = await freePort();
    const audio = path.join(folder, 'four-seconds.ulaw');
    await writeFile(audio, encodeMulaw(new Int16Array(4 * SAMPLE_RATE_HZ)));
    const scenario = await sippScenario(folder, 'uas-407.xml', audio);
    const args = ['-sf', scenario, '-mi', '127.0.0.1', '-mp', String(await freePort())];
    const platform = await startSippServer(port, args, folder);
    peers.push(platform);
    const trunkId = await made('inboundTrunk', 'trunk_id', {
      primary_uri_uuid: await made('uri', 'uri_uuid', { uri: `127.0.0.1:${await freePort()}` }),
      fallback_uri_uuid: await made('uriWithLogin', 'uri_uuid', { uri: `127.0.0.1:${port}` }),
    });
    const number = await ownNumber('+14155552203');
    await curl(SAMPLES.number, { number, trunk_id: trunkId });
    await callNumber(number);
    expect(await platform.exited, platform.output()).toBe(0);
    const [record] = await recordsOf(`${trunkId}.localhost`, 1);
    expect(record).toMatchObject({
      call_direction: 'inbound',
      to_number: `+${number}`,
      hangup_cause_code: 3000,
      hangup_source: 'carrier',
    });
    expect(record?.['bill_duration']).toBeGreaterThan(3);
  });

  it.skipIf(!isInstalled('baresip'))(
    'is answered by baresip, which is heard and hears',
    async () => {
      const tone = Int16Array.from(
        { length: 20 * SAMPLE_RATE_HZ },
        (_, at) => 8_000 * Math.sin((2 * Math.PI * 440 * at) / SAMPLE_RATE_HZ),
      );
      const phone = await startBaresip(path.join(folder, 'platform'), 'agent', tone);
      peers.push(phone.process);
      const loudestHeard = async (): Promise<number> =>
        (await phone.heard()).reduce((peak, one) => Math.max(peak, Math.abs(one)), 0);
      const trunkId = await made('inboundTrunk', 'trunk_id', {
        primary_uri_uuid: await made('uri', 'uri_uuid', {
          uri: `sip:agent@127.0.0.1:${phone.sipPort}`,
        }),
        fallback_uri_uuid: '',
      });
      const number = await ownNumber('+14155552204');
      await curl(SAMPLES.number, { number, trunk_id: trunkId });
      const callId = await callNumber(number);
      await phone.process.waitFor(/Call established/);
      await expect.poll(loudestHeard).toBeGreaterThan(2_000);
      await phone.command('hangup');
      const [record] = await recordsOf(`${trunkId}.localhost`, 1);
      expect(record).toMatchObject({ hangup_cause_code: 3010, hangup_source: 'customer' });
      const { body: insights } = await get(
        `Zentrunk/Call/${String(record?.['call_uuid'])}/Insights`,
      );
      expect(insights['packet_loss']).toBe('0');
      const call = await program.client.getCall(callId);
      expect(call.sip).toMatchObject({ code: 200 });
    },
  );
});
