import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../../server/src/sip/self-signed-certificate.ts';
import { startBaresip, type Baresip } from './harness/baresip.ts';
import { shareOf, startJudge } from './harness/judge.ts';
import { isInstalled } from './harness/peer-process.ts';
import { callAndWait, startProgram, type Program } from './harness/program.ts';
import { createTrunk } from './harness/trunk.ts';

const SILENCE_S = 20;
const SAMPLE_RATE_HZ = 8_000;

let program: Program;
let folder: string;
let certificate: string;
let phone: Baresip | null = null;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-secure-'));
  const { cert, key } = await selfSignedCertificate(['127.0.0.1'], Date.now());
  certificate = path.join(folder, 'phone.pem');
  await writeFile(certificate, `${key}\n${cert}\n`);
  program = await startProgram({ env: { SIP_TLS_CA: certificate } });
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await phone?.process.stop();
  phone = null;
});

interface Ladder {
  messages: { transport: string; text: string }[];
}

describe.skipIf(!isInstalled('baresip'))('baresip as a trunk with TLS and SRTP', () => {
  it('hears the agent over encrypted signalling and encrypted audio', async () => {
    const silence = new Int16Array(SILENCE_S * SAMPLE_RATE_HZ);
    phone = await startBaresip(path.join(folder, 'phone'), '+14155550125', silence, {
      certificate,
    });
    const { from } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port: phone.tlsPort, transport: 'tls' }],
      media_encryption: 'required',
    });
    const call = await callAndWait(program, { to: '+14155550125', from });
    expect(call).toMatchObject({ status: 'completed', end_reason: 'silence', sip: { code: 200 } });
    const { body } = await program.fetch('GET', `/v1/calls/${call.id}/sip`);
    const { messages } = body as Ladder;
    expect(new Set(messages.map(({ transport }) => transport))).toEqual(new Set(['tls']));
    const [invite = { text: '' }] = messages;
    expect(invite.text).toMatch(/m=audio \d+ RTP\/SAVP /);
    expect(invite.text).toMatch(/a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\*\*\*/);

    await phone.process.stop();
    const judge = await startJudge();
    const heard = (await judge.transcribe(await phone.heard())).join(' ');
    await judge.close();
    const said = call.turns.map(({ text }) => text).join(' ');
    expect(shareOf(said, heard), heard).toBeGreaterThan(0.5);
  });

  it('is not spoken to where nobody vouches for its certificate', async () => {
    const other = await selfSignedCertificate(['127.0.0.1'], Date.now());
    const unknown = path.join(folder, 'unknown.pem');
    await writeFile(unknown, `${other.key}\n${other.cert}\n`);
    phone = await startBaresip(
      path.join(folder, 'unknown'),
      '+14155550126',
      new Int16Array(8_000),
      {
        certificate: unknown,
      },
    );
    const { from, trunkId } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port: phone.tlsPort, transport: 'tls' }],
    });
    const call = await callAndWait(program, { to: '+14155550126', from });
    expect(call).toMatchObject({ status: 'failed', end_reason: 'trunk-unreachable' });
    const { body } = await program.fetch('POST', `/v1/trunks/${trunkId}/diagnose`, { body: '{}' });
    expect(body).toMatchObject({ findings: [{ code: 'no-answer-from-carrier' }, {}] });
  });
});
