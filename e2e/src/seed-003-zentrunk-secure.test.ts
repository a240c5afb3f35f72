import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../../server/src/sip/self-signed-certificate.ts';
import { startBaresip, type Baresip } from './harness/baresip.ts';
import { isInstalled } from './harness/peer-process.ts';
import { startProgram, type Program } from './harness/program.ts';

const SAMPLE_RATE_HZ = 8_000;
const LOGIN = { username: 'agents2026', password: 'Secret#2026' };

type Json = Record<string, unknown>;

let program: Program;
let folder: string;
let certificate: string;
let account: string;
let phone: Baresip | null = null;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-seed-003-secure-'));
  const { cert, key } = await selfSignedCertificate(['127.0.0.1'], Date.now());
  certificate = path.join(folder, 'phone.pem');
  await writeFile(certificate, `${key}\n${cert}\n`);
  program = await startProgram({ env: { SIP_TLS_CA: certificate } });
  const { data } = (await ask('GET', '/v1/workspaces')) as { data: { id: string }[] };
  account = `/v1/Account/${String(data[0]?.id)}`;
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await phone?.process.stop();
  phone = null;
});

async function ask(method: string, where: string, body?: object): Promise<Json> {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await program.fetch(method, where, init);
  expect([200, 201, 202], `${method} ${where}: ${JSON.stringify(answer.body)}`).toContain(
    answer.status,
  );
  return answer.body as Json;
}

async function recordOf(trunkId: string): Promise<Json> {
  for (;;) {
    const { objects } = (await ask('GET', `${account}/Zentrunk/Call/`)) as { objects: Json[] };
    const found = objects.find((one) => String(one['trunk_domain']).startsWith(`${trunkId}.`));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function tone(): Int16Array {
  return Int16Array.from(
    { length: 20 * SAMPLE_RATE_HZ },
    (_, at) => 8_000 * Math.sin((2 * Math.PI * 440 * at) / SAMPLE_RATE_HZ),
  );
}

async function loudestHeard(): Promise<number> {
  const heard = (await phone?.heard()) ?? new Int16Array(0);
  return heard.reduce((peak, one) => Math.max(peak, Math.abs(one)), 0);
}

describe.skipIf(!isInstalled('baresip'))('baresip with TLS and SRTP on a secure trunk', () => {
  it('calls a phone that knows neither, and hears its own voice come back', async () => {
    const credential = await ask('POST', `${account}/Zentrunk/Credential/`, LOGIN);
    const { trunk_id: trunkId } = await ask('POST', `${account}/Zentrunk/Trunk/`, {
      trunk_direction: 'outbound',
      secure: true,
      credential_uuid: credential['credential_uuid'],
    });
    const trunk = await ask('GET', `${account}/Zentrunk/Trunk/${String(trunkId)}/`);
    const carrier = `sip:127.0.0.1:${String(trunk['sip_tls_port'])};transport=tls`;
    phone = await startBaresip(path.join(folder, 'caller'), '+15005550199', tone(), {
      certificate,
      account: `;auth_user=${LOGIN.username};auth_pass=${LOGIN.password};outbound="${carrier}"`,
    });
    // baresip takes the transport of its account.
    await phone.command('dial', `sip:+15005550110@${String(trunk['trunk_domain'])}`);
    await phone.process.waitFor(/Call established/);
    await expect.poll(loudestHeard).toBeGreaterThan(4_000);
    await phone.command('hangup');
    expect(await recordOf(String(trunkId))).toMatchObject({
      call_direction: 'outbound',
      hangup_cause_code: 3010,
      transport_protocol: 'tls',
      srtp: true,
      secure_trunking: true,
    });
  });

  it('is called by an inbound trunk, encrypted, from a caller that is not', async () => {
    phone = await startBaresip(path.join(folder, 'callee'), 'agent', tone(), { certificate });
    const uri = await ask('POST', `${account}/Zentrunk/URI/`, {
      uri: `sip:agent@127.0.0.1:${phone.tlsPort};transport=tls`,
    });
    const { trunk_id: trunkId } = await ask('POST', `${account}/Zentrunk/Trunk/`, {
      trunk_direction: 'inbound',
      secure: true,
      primary_uri_uuid: uri['uri_uuid'],
    });
    const number = { number: '+14155552211', trunk_id: 'trunk_sandbox', agent_id: null };
    await ask('POST', '/v1/numbers', number);
    await ask('POST', `${account}/Number/14155552211/`, { app_id: trunkId });
    await ask('POST', '/v1/calls', { to: '+14155552211' });
    await phone.process.waitFor(/Call established/);
    await expect.poll(loudestHeard).toBeGreaterThan(2_000);
    await phone.command('hangup');
    expect(await recordOf(String(trunkId))).toMatchObject({
      call_direction: 'inbound',
      hangup_cause_code: 3010,
      hangup_source: 'customer',
      transport_protocol: 'tls',
      srtp: true,
    });
  });
});
