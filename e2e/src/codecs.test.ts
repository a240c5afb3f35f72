import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readStereoWav } from './harness/audio.ts';
import { startBaresip } from './harness/baresip.ts';
import { isInstalled, type PeerProcess } from './harness/peer-process.ts';
import { callAndWait, startProgram, type Program } from './harness/program.ts';
import { createTrunk } from './harness/trunk.ts';

const PROMPT = '/usr/share/asterisk/sounds/en_US_f_Allison/please-try-again.wav';
const SAMPLE_RATE_HZ = 8_000;

let program: Program;
let folder: string;
const peers: PeerProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-codecs-'));
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});

/** Twelve seconds of silence, a human voice, and silence until the agent has given up. */
async function humanSpeech(): Promise<Int16Array> {
  const { left } = readStereoWav(await readFile(PROMPT));
  const all = new Int16Array(40 * SAMPLE_RATE_HZ);
  all.set(left, 12 * SAMPLE_RATE_HZ);
  return all;
}

describe.skipIf(!isInstalled('baresip') || !existsSync(PROMPT))('baresip with one codec', () => {
  it.each([
    { codec: 'G722', theirs: 'g722' },
    { codec: 'OPUS', theirs: 'opus/48000/2' },
  ] as const)('talks $codec with us: heard both ways, and told of', async ({ codec, theirs }) => {
    const phone = await startBaresip(
      path.join(folder, codec),
      '+14155550123',
      await humanSpeech(),
      undefined,
      theirs,
    );
    peers.push(phone.process);
    const { from } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port: phone.sipPort }],
      codecs: [codec, 'PCMU'],
    });
    const call = await callAndWait(program, { to: '+14155550123', from });
    expect(call).toMatchObject({ status: 'completed', sip: { code: 200 } });
    expect(call.quality).toMatchObject({ codec, encryption: null });
    expect(call.quality?.received?.packets).toBeGreaterThan(500);
    // Above 4 where the packets come evenly; those of a busy machine do not.
    expect(call.quality?.received?.mos).toBeGreaterThan(2);
    expect(call.quality?.sent?.packets).toBeGreaterThan(500);
    // Somebody was heard and understood to speak; which words is the recogniser's affair.
    expect(
      call.turns.some(({ speaker }) => speaker === 'caller'),
      call.transcript ?? '',
    ).toBe(true);
    await phone.process.stop();
    const heard = await phone.heard();
    const loud = heard.reduce((count, sample) => count + (Math.abs(sample) > 1_000 ? 1 : 0), 0);
    expect(loud).toBeGreaterThan(SAMPLE_RATE_HZ);
  });

  it('is not called with a codec that the trunk does not name', async () => {
    const phone = await startBaresip(
      path.join(folder, 'only-opus'),
      '+14155550124',
      new Int16Array(800),
      undefined,
      'opus/48000/2',
    );
    peers.push(phone.process);
    const { from } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port: phone.sipPort }],
    });
    const call = await callAndWait(program, { to: '+14155550124', from });
    expect(call).toMatchObject({
      status: 'failed',
      end_reason: 'media-incompatible',
      quality: null,
    });
  });
});

describe.skipIf(!existsSync('/usr/bin/tshark'))('the capture of a call', () => {
  it('is read by tshark: INVITE to BYE, in order', async () => {
    const call = await callAndWait(program, { to: '+15005550114' });
    const response = await fetch(`${program.url}/v1/calls/${call.id}/sip.pcap`, {
      headers: { authorization: `Bearer ${program.apiKey}` },
    });
    expect(response.headers.get('content-type')).toBe('application/vnd.tcpdump.pcap');
    const file = path.join(folder, 'call.pcap');
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    const lines = execFileSync(
      'tshark',
      ['-r', file, '-d', 'udp.port==1-65535,sip', '-T', 'fields', '-e', 'sip.CSeq.method'],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    )
      .trim()
      .split('\n');
    expect(lines[0]).toBe('INVITE');
    expect(lines).toContain('ACK');
    expect(lines.at(-1)).toBe('BYE');
  });
});
