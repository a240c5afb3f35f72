import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeMulaw } from '../../server/src/audio/g711.ts';
import { freePort } from './harness/free-port.ts';
import { isInstalled, listensOnUdp, startPeer, type PeerProcess } from './harness/peer-process.ts';
import { finalCall, startProgram, type Program } from './harness/program.ts';

const PEERS = path.resolve(import.meta.dirname, '../peers');
/** Digits, as many carriers' accounts are: an INVITE to the contact then looks like one to a number. */
const ACCOUNT = '440012345';

interface Health {
  registration: { state: string; sip: { code: number | null } } | null;
}

let program: Program;
let folder: string;
let kamailio: PeerProcess;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-registration-'));
  port = await freePort();
  const text = await readFile(path.join(PEERS, 'kamailio-registrar.cfg'), 'utf8');
  const file = path.join(folder, 'kamailio.cfg');
  await writeFile(file, text.replaceAll('__PORT__', String(port)));
  if (!isInstalled('kamailio') || !isInstalled('sipp')) return;
  const args = ['-f', file, '-DD', '-E', '-m', '64', '-M', '8', '-w', folder, '-Y', folder];
  kamailio = startPeer('kamailio', args);
  await listensOnUdp(kamailio, port);
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await kamailio.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A trunk that registers, with a number that the demo agent answers. */
async function registeredTrunk(
  number: string,
  account: string,
  fields: { password?: string; host?: string; transport?: string } = {},
): Promise<string> {
  const { password = 's3cret', host = '127.0.0.1', transport = 'udp' } = fields;
  const { id } = await program.client.request<{ id: string }>('POST', '/v1/trunks', {
    name: `registers ${account}`,
    auth_type: 'registration',
    auth_username: account,
    auth_password: password,
    from_domain: 'carrier.example',
    gateways: [{ host, port, transport }],
  });
  const agents = await program.client.request<{ data: { id: string; name: string }[] }>(
    'GET',
    '/v1/agents',
  );
  await program.client.request('POST', '/v1/numbers', {
    number,
    trunk_id: id,
    agent_id: agents.data.find(({ name }) => /demo/i.test(name))?.id,
  });
  return id;
}

/** Calls `number` by the carrier, which sends it to where `account` registered. */
async function callBy(account: string, number: string): Promise<string> {
  const audio = path.join(folder, 'silence.ulaw');
  await writeFile(audio, encodeMulaw(new Int16Array(32_000)));
  const scenario = path.join(folder, `call-${account}.xml`);
  const text = await readFile(path.join(PEERS, 'uac-call.xml'), 'utf8');
  await writeFile(
    scenario,
    text
      .replaceAll('__AUDIO__', audio)
      .replace('Content-Type: application/sdp', `X-Account: ${account}\n$&`),
  );
  const args = `127.0.0.1:${port} -i 127.0.0.1 -p ${await freePort()} -mi 127.0.0.1 -mp ${await freePort()} -s ${number} -m 1 -d 14000 -nostdin`;
  const sipp = startPeer('sipp', ['-sf', scenario, ...args.split(' ')], { cwd: folder });
  expect(await sipp.exited, sipp.output()).toBe(0);
  const { data } = await program.client.listCalls({ direction: 'inbound' });
  const call = await finalCall(program, data.find(({ to }) => to === number)?.id ?? '');
  expect(call).toMatchObject({ status: 'completed', to: number, sip: { code: 200 } });
  return call.transcript ?? '';
}

async function healthOf(trunkId: string, state: string): Promise<Health> {
  for (;;) {
    const health = await program.client.request<Health>('GET', `/v1/trunks/${trunkId}/health`);
    if (health.registration?.state === state) return health;
    await wait(100);
  }
}

describe.skipIf(!isInstalled('kamailio') || !isInstalled('sipp'))('Kamailio as registrar', () => {
  let rejected: string;
  let triedAtMs: number;

  it('a wrong password is refused, and said', async () => {
    triedAtMs = performance.now();
    rejected = await registeredTrunk('+14155552301', 'mallory', { password: 'wrong' });
    const { registration } = await healthOf(rejected, 'rejected');
    expect(registration).toMatchObject({ sip: { code: 401 } });
  });

  it('takes our digest, keeps the binding by refreshes, and calls come in by it', async () => {
    const trunkId = await registeredTrunk('+14155552302', ACCOUNT);
    await healthOf(trunkId, 'registered');
    const saved = `SAVED udp ${ACCOUNT} 3600 <sip:${ACCOUNT}@127.0.0.1:${program.sipPort}>`;
    // Said after the answer to the REGISTER.
    await kamailio.waitFor(saved);
    expect(await callBy(ACCOUNT, '+14155552302')).toMatch(/automated assistant/i);
    // Granted for 10 s: asked for anew before that is over.
    await kamailio.waitFor(new RegExp(`(SAVED udp ${ACCOUNT} 3600[^]*){2}`));
    expect((await healthOf(trunkId, 'registered')).registration).toMatchObject({
      sip: { code: 200 },
    });
  });

  it('of a name, over TCP: calls come in over the connection that we made', async () => {
    const options = { host: 'localhost', transport: 'tcp' };
    const trunkId = await registeredTrunk('+14155552303', 'carol', options);
    await healthOf(trunkId, 'registered');
    await kamailio.waitFor('SAVED tcp carol 3600');
    expect(await callBy('carol', '+14155552303')).toMatch(/automated assistant/i);
  });

  it('who was refused is not back before a minute is over', () => {
    const minutes = Math.floor((performance.now() - triedAtMs) / 60_000);
    // Each time without a password, then with the wrong one.
    const challenges = kamailio.output().match(/CHALLENGED mallory/g) ?? [];
    expect(challenges.length).toBeGreaterThanOrEqual(2);
    expect(challenges.length).toBeLessThanOrEqual(2 + 2 * minutes);
  });

  it('a program that ends takes its bindings away', async () => {
    await program.stop();
    await kamailio.waitFor(`SAVED udp ${ACCOUNT} 0`);
    await kamailio.waitFor('SAVED tcp carol 0');
  });
});
