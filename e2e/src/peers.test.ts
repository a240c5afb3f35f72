import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeMulaw } from '../../server/src/audio/g711.ts';
import { readStereoWav } from './harness/audio.ts';
import { startBaresip } from './harness/baresip.ts';
import { shareOf, startJudge } from './harness/judge.ts';
import {
  isInstalled,
  listensOnUdp,
  startPeer,
  startSippServer,
  type PeerProcess,
} from './harness/peer-process.ts';
import { freePort } from './harness/free-port.ts';
import { callAndWait, startProgram, type Program } from './harness/program.ts';
import { createTrunk, sippScenario } from './harness/trunk.ts';

const PROMPTS = '/usr/share/asterisk/sounds/en_US_f_Allison';
const SAMPLE_RATE_HZ = 8_000;

let program: Program;
let folder: string;
const peers: PeerProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-peers-'));
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});

/** A recorded human voice: silence and prompts of Debian's asterisk-core-sounds-en-wav in turn. */
async function humanSpeech(parts: readonly (number | string)[]): Promise<Int16Array> {
  const pieces: Int16Array[] = [];
  for (const part of parts) {
    pieces.push(
      typeof part === 'number'
        ? new Int16Array(part * SAMPLE_RATE_HZ)
        : readStereoWav(await readFile(path.join(PROMPTS, `${part}.wav`))).left,
    );
  }
  const all = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function textOf(call: { turns: { speaker: string; text: string }[] }, speaker: string): string {
  return call.turns
    .filter((turn) => turn.speaker === speaker)
    .map((turn) => turn.text)
    .join(' ');
}

describe.skipIf(!isInstalled('baresip') || !existsSync(PROMPTS))('baresip as the callee', () => {
  it('a recorded human voice is understood and answered, and what baresip recorded reads back', async () => {
    const speech = await humanSpeech([12, 'please-try-again', 16, 'goodbye', 10]);
    const phone = await startBaresip(path.join(folder, 'callee'), '+14155550123', speech);
    peers.push(phone.process);
    const { from } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port: phone.sipPort }],
    });
    const call = await callAndWait(program, { to: '+14155550123', from });
    expect(call).toMatchObject({ status: 'completed', sip: { code: 200 } });
    expect(textOf(call, 'caller'), call.transcript ?? '').toMatch(/try|again/i);
    const answered = call.turns.filter((turn) => turn.latency !== null);
    expect(answered.length).toBeGreaterThanOrEqual(1);

    await phone.process.stop();
    const judge = await startJudge();
    const heard = (await judge.transcribe(await phone.heard())).join(' ');
    await judge.close();
    expect(shareOf(textOf(call, 'agent'), heard), heard).toBeGreaterThan(0.5);
  });
});

describe.skipIf(!isInstalled('sipp'))('sipp as a trunk', () => {
  it('challenges with 407, takes the digest, streams audio and gets its BYE', async () => {
    const port = await freePort();
    const audio = path.join(folder, 'silence.ulaw');
    await writeFile(audio, encodeMulaw(new Int16Array(4 * SAMPLE_RATE_HZ)));
    const scenario = await sippScenario(folder, 'uas-407.xml', audio);
    const media = await freePort();
    const args = ['-sf', scenario, '-mi', '127.0.0.1', '-mp', String(media)];
    const sipp = await startSippServer(port, args, folder);
    peers.push(sipp);
    const { from } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port }],
      auth: { username: 'trunkuser', password: 's3cret' },
    });
    const call = await callAndWait(program, { to: '+14155550124', from });
    expect(call).toMatchObject({ status: 'completed', end_reason: 'silence', sip: { code: 200 } });
    expect(await sipp.exited, sipp.output()).toBe(0);
  });
});

describe.skipIf(!isInstalled('kamailio') || !isInstalled('sipp'))('Kamailio as a trunk', () => {
  async function startKamailio(phonePort: number, algorithm = ''): Promise<number> {
    const port = await freePort();
    const run = await mkdtemp(path.join(folder, 'kamailio-'));
    const config = (
      await readFile(path.resolve(import.meta.dirname, '../peers/kamailio-trunk.cfg'), 'utf8')
    )
      .replaceAll('__PORT__', String(port))
      .replaceAll('__PHONE__', `127.0.0.1:${phonePort}`)
      .replaceAll('__AUTH_ALGORITHM__', algorithm);
    const file = path.join(run, 'kamailio.cfg');
    await writeFile(file, config);
    const args = ['-f', file, '-DD', '-E', '-m', '64', '-M', '8', '-w', run, '-Y', run];
    const kamailio = startPeer('kamailio', args);
    peers.push(kamailio);
    await listensOnUdp(kamailio, port);
    return port;
  }

  async function phone(): Promise<{ port: number; sipp: PeerProcess }> {
    const port = await freePort();
    const scenario = await sippScenario(folder, 'uas-wait-for-bye.xml');
    const sipp = await startSippServer(port, ['-sf', scenario], folder);
    peers.push(sipp);
    return { port, sipp };
  }

  it.each([
    ['MD5', ''],
    ['SHA-256', 'modparam("auth", "algorithm", "SHA-256")'],
  ])(
    'checks our %s digest and relays the call to the phone and the BYE along its route',
    async (_name, algorithm) => {
      const { port, sipp } = await phone();
      const trunkPort = await startKamailio(port, algorithm);
      const { from } = await createTrunk(program, {
        gateways: [{ host: '127.0.0.1', port: trunkPort }],
        auth: { username: 'trunkuser', password: 's3cret' },
      });
      const placed = await program.client.placeCall({ to: '+14155550125', from });
      for await (const event of program.client.callEvents(placed.id)) {
        if (event.type === 'call.answered') await program.client.hangUp(placed.id);
      }
      const call = await program.client.getCall(placed.id);
      expect(call).toMatchObject({ status: 'stopped', ended_by: 'api', sip: { code: 200 } });
      // sipp ends with 0 when it had INVITE, ACK and BYE.
      expect(await sipp.exited, sipp.output()).toBe(0);
      await peers.at(-1)?.waitFor(/AUTHENTICATED trunkuser/);
    },
  );

  it('refuses a wrong password, and the call says so', async () => {
    const { port } = await phone();
    const trunkPort = await startKamailio(port);
    const { from } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port: trunkPort }],
      auth: { username: 'trunkuser', password: 'wrong' },
    });
    const call = await callAndWait(program, { to: '+14155550126', from });
    expect(call).toMatchObject({ status: 'failed', end_reason: 'auth-failed', sip: { code: 407 } });
  });
});
