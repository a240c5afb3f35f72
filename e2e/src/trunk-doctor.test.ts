import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './harness/free-port.ts';
import { isInstalled, startSippServer, type PeerProcess } from './harness/peer-process.ts';
import { callAndWait, startProgram, type Program } from './harness/program.ts';
import { createTrunk } from './harness/trunk.ts';

const PEERS = path.resolve(import.meta.dirname, '../peers');

interface Finding {
  code: string;
  confidence: string;
  evidence: string[];
  fix: string;
}

let program: Program;
let folder: string;
const peers: PeerProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-doctor-'));
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});

/** A carrier that does with one call what a scenario says; the port that it listens on. */
async function carrier(
  scenario: string,
  replace: Readonly<Record<string, string>> = {},
): Promise<number> {
  const port = await freePort();
  let text = await readFile(path.join(PEERS, scenario), 'utf8');
  for (const [name, value] of Object.entries(replace)) text = text.replaceAll(name, value);
  const file = path.join(folder, `${port}-${scenario}`);
  await writeFile(file, text);
  const args = ['-sf', file, '-mi', '127.0.0.1', '-mp', String(await freePort())];
  peers.push(await startSippServer(port, args, folder));
  return port;
}

/** Calls over a trunk to the port, and asks the doctor about the call and about the trunk. */
async function examine(
  port: number,
  trunk: object = {},
): Promise<{ ofCall: Finding[]; ofTrunk: Finding[] }> {
  const gateways = [{ host: '127.0.0.1', port }];
  const { from, trunkId } = await createTrunk(program, { gateways });
  await program.client.request('PATCH', `/v1/trunks/${trunkId}`, {
    media_timeouts: { first_packet_ms: 2_000 },
    ...trunk,
  });
  const call = await callAndWait(program, { to: '+14155550130', from });
  const ofCall = await program.client.request<{ findings: Finding[] }>(
    'GET',
    `/v1/calls/${call.id}/diagnosis`,
  );
  const ofTrunk = await program.client.request<{ findings: Finding[] }>(
    'POST',
    `/v1/trunks/${trunkId}/diagnose`,
    { call_id: call.id },
  );
  return { ofCall: ofCall.findings, ofTrunk: ofTrunk.findings };
}

describe.skipIf(!isInstalled('sipp'))('the doctor, with sipp as a carrier that', () => {
  it.each([
    ['does not know the address', '403 IP not whitelisted', 'ip-not-allowed', 'certain'],
    [
      'rejects the caller ID',
      '403 Caller Origination Number is Invalid D35',
      'caller-id-rejected',
      'certain',
    ],
    ['rejects the plus sign', '484 Invalid number format', 'plus-sign', 'likely'],
    ['takes no codec', '488 Not Acceptable Here', 'codec-mismatch', 'likely'],
    ['wants SRTP', '488 Secure media required', 'srtp-mismatch', 'likely'],
  ])('%s', async (_what, answer, code, confidence) => {
    const { ofCall, ofTrunk } = await examine(
      await carrier('uas-refuse.xml', { __ANSWER__: answer }),
    );
    expect(ofCall[0]).toMatchObject({ code, confidence });
    expect(ofTrunk.map((finding) => finding.code)).toContain(code);
    expect(ofCall[0]?.evidence.join(' ')).toContain(answer.slice(0, 3));
    expect(ofCall[0]?.fix).not.toBe('');
  });

  it('challenges again after the credentials', async () => {
    const port = await carrier('uas-challenge-twice.xml');
    const { ofCall } = await examine(port, { auth_username: 'u', auth_password: 'wrong' });
    expect(ofCall[0]).toMatchObject({ code: 'wrong-credentials', confidence: 'certain' });
  });

  it.each([
    ['encrypts without being asked', 'm=audio 9 RTP/SAVP 0', 'srtp-mismatch'],
    ['answers with another codec', 'm=audio 9 RTP/AVP 18', 'codec-mismatch'],
    ['answers and sends no audio', 'm=audio 9 RTP/AVP 0', 'one-way-audio'],
  ])('%s', async (_what, media, code) => {
    const { ofCall } = await examine(await carrier('uas-answer.xml', { __MEDIA__: media }));
    expect(ofCall.map((finding) => finding.code)).toContain(code);
  });
});

describe('the doctor, of a trunk that', () => {
  it('nobody answers, is switched off, or has another’s number', async () => {
    const silent = await freePort();
    const { ofTrunk } = await examine(silent);
    expect(ofTrunk.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['no-answer-from-carrier', 'gateway-unreachable']),
    );
    const { trunkId } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port: silent }],
    });
    await program.client.request('PATCH', `/v1/trunks/${trunkId}`, { active: false });
    const { findings } = await program.client.request<{ findings: Finding[] }>(
      'POST',
      `/v1/trunks/${trunkId}/diagnose`,
      { from: '+14155550000' },
    );
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['trunk-inactive', 'number-not-on-trunk']),
    );
  });
});
