import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { readStereoWav } from './harness/audio.ts';
import { freePort } from './harness/free-port.ts';
import { startJudge, type Judge } from './harness/judge.ts';
import { isInstalled, startSippServer } from './harness/peer-process.ts';
import { eventOf, finalCall, startProgram, type Program } from './harness/program.ts';
import { createTrunk, sippScenario } from './harness/trunk.ts';

const PERSON = '+15005550101';
const SILENT = '+15005550111';

let folder: string;
let judge: Judge;
const running: Program[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-endings-'));
  judge = await startJudge();
});
afterAll(async () => {
  await judge.close();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.stop()));
});

async function start(env: Record<string, string> = {}): Promise<Program> {
  const program = await startProgram({ env });
  running.push(program);
  return program;
}

it('stopping a live call lets the agent say goodbye first; a waiting one is canceled and never dialled', async () => {
  const program = await start({ MAX_CALLS: '1' });
  const live = await program.client.placeCall({ to: PERSON });
  await eventOf(program, live.id, (type) => type === 'call.answered');
  const waiting = await program.client.placeCall({ to: SILENT });
  expect(waiting.status).toBe('queued');
  const canceled = await program.client.hangUp(waiting.id);
  expect(canceled).toMatchObject({ status: 'canceled', ended_by: 'api', sip: { code: null } });

  await eventOf(
    program,
    live.id,
    (type, data) => type === 'call.turn' && data['speaker'] === 'caller',
  );
  await program.client.hangUp(live.id);
  const stopped = await finalCall(program, live.id);
  expect(stopped).toMatchObject({
    status: 'stopped',
    end_reason: 'api-stopped',
    ended_by: 'api',
    sip: { code: 200 },
  });
  expect(stopped.turns.at(-1)).toMatchObject({ speaker: 'agent', interrupted: false });
  expect(stopped.turns.at(-1)?.text).toMatch(/goodbye/i);
  const recording = readStereoWav(await program.client.recording(live.id));
  const said = await judge.transcribe(recording.right);
  // What is recognised of the last words; the transcript above has them all.
  expect(said.at(-1), said.join(' | ')).toMatch(/good|by/i);

  // The line is free again: what was waiting is not taken up after all.
  const next = await program.client.placeCall({ to: '+15005550102' });
  expect(await finalCall(program, next.id)).toMatchObject({ status: 'busy' });
  const types: string[] = [];
  for await (const event of program.client.callEvents(waiting.id)) types.push(event.type);
  expect(types).toEqual(['call.queued', 'call.status']);
  await expect(program.client.hangUp(live.id)).rejects.toMatchObject({ status: 409 });
});

it('stopping a call that rings takes it back', async () => {
  const program = await start();
  const placed = await program.client.placeCall({ to: '+15005550103' });
  await eventOf(program, placed.id, (type) => type === 'call.ringing');
  await program.client.hangUp(placed.id);
  const call = await finalCall(program, placed.id);
  expect(call).toMatchObject({ ended_by: 'api', sip: { code: 487 }, turns: [] });
  expect(['canceled', 'stopped']).toContain(call.status);
});

it.skipIf(!isInstalled('sipp'))(
  'a second SIGTERM hangs up at once with BYE, and the end of the call is kept',
  async () => {
    const port = await freePort();
    const scenario = await sippScenario(folder, 'uas-wait-for-bye.xml');
    const dataDir = path.join(folder, 'data');
    const program = await startProgram({ dataDir });
    running.push(program);
    const sipp = await startSippServer(port, ['-sf', scenario], folder);
    const { from } = await createTrunk(program, { gateways: [{ host: '127.0.0.1', port }] });
    const placed = await program.client.placeCall({ to: '+14155550123', from });
    await eventOf(program, placed.id, (type) => type === 'call.answered');
    const stoppedAt = performance.now();
    expect(await program.stop()).toBe(0);
    // The call would have been waited for five minutes.
    expect(performance.now() - stoppedAt).toBeLessThan(120_000);
    // sipp ends with 0 when it had INVITE, ACK and BYE.
    expect(await sipp.exited, sipp.output()).toBe(0);

    const again = await startProgram({ dataDir });
    running.push(again);
    expect(await finalCall(again, placed.id)).toMatchObject({
      end_reason: 'shutdown',
      ended_by: 'system',
      sip: { code: 200 },
    });
  },
);
