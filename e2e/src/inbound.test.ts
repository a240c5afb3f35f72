import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeMulaw } from '../../server/src/audio/g711.ts';
import { isInstalled, startPeer } from './harness/peer-process.ts';
import { freePort } from './harness/free-port.ts';
import { finalCall, startProgram, type Program } from './harness/program.ts';
import { createTrunk, sippScenario } from './harness/trunk.ts';

let program: Program;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-inbound-'));
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!isInstalled('sipp'))('a carrier calls us', () => {
  it('the agent of the number answers, greets, and the caller’s BYE ends it', async () => {
    const port = await freePort();
    const { from: number } = await createTrunk(program, {
      gateways: [{ host: '127.0.0.1', port }],
    });
    const audio = path.join(folder, 'silence.ulaw');
    await writeFile(audio, encodeMulaw(new Int16Array(32_000)));
    const scenario = await sippScenario(folder, 'uac-call.xml', audio);
    const args = `127.0.0.1:${program.sipPort} -i 127.0.0.1 -p ${port} -mi 127.0.0.1 -mp ${await freePort()} -s ${number} -m 1 -d 16000 -nostdin`;
    const sipp = startPeer('sipp', ['-sf', scenario, ...args.split(' ')], { cwd: folder });
    expect(await sipp.exited, sipp.output()).toBe(0);
    const list = await program.client.listCalls({ direction: 'inbound' });
    const call = await finalCall(program, list.data[0]?.id ?? '');
    expect(call).toMatchObject({
      direction: 'inbound',
      status: 'completed',
      end_reason: 'caller-hangup',
      ended_by: 'caller',
      to: number,
      from: '+14155550199',
      sip: { code: 200 },
    });
    expect(call.turns[0]).toMatchObject({ speaker: 'agent' });
    expect(call.turns[0]?.text).toMatch(/bright smile/i);
  });

  it('a number that nobody has is answered 404', async () => {
    const port = await freePort();
    await createTrunk(program, { gateways: [{ host: '127.0.0.1', port }] });
    const scenario = await sippScenario(folder, 'uac-expect-404.xml');
    const args = `127.0.0.1:${program.sipPort} -i 127.0.0.1 -p ${port} -s +14155559999 -m 1 -nostdin`;
    const sipp = startPeer('sipp', ['-sf', scenario, ...args.split(' ')], { cwd: folder });
    expect(await sipp.exited, sipp.output()).toBe(0);
  });
});
