import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { eventOf, finalCall, startProgram, type Program } from './harness/program.ts';
import { isInstalled, startSippServer, type PeerProcess } from './harness/peer-process.ts';
import { createTrunk, sippScenario } from './harness/trunk.ts';
import { freePort } from './harness/free-port.ts';

const running: Program[] = [];
const peers: PeerProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.stop()));
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
  await Promise.all(
    folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })),
  );
});

async function start(dataDir: string): Promise<Program> {
  const program = await startProgram({ dataDir, env: { SANDBOX_PERSON: 'confirm' } });
  running.push(program);
  return program;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline crash '));
  folders.push(folder);
  return folder;
}

it('kill -9 in mid-call: after the restart the call is final, and nobody is dialled again', async () => {
  const dataDir = await newFolder();
  const first = await start(dataDir);
  const placed = await first.client.placeCall({ to: '+15005550111' });
  await eventOf(first, placed.id, (type) => type === 'call.answered');
  await first.kill();

  const second = await start(dataDir);
  const call = await finalCall(second, placed.id);
  expect(call).toMatchObject({ status: 'error', end_reason: 'node-lost', ended_by: 'system' });
  expect(call.timestamps.answered_at).not.toBeNull();
  const initiated: unknown[] = [];
  for await (const event of second.client.callEvents(placed.id)) {
    if (event.type === 'call.initiated') initiated.push(event);
  }
  expect(initiated).toHaveLength(1);
  // The next call works: no port, lock or slot was left behind.
  const next = await second.client.placeCall({ to: '+15005550102' });
  expect(await finalCall(second, next.id)).toMatchObject({ status: 'busy' });
});

it.skipIf(!isInstalled('sipp'))(
  'kill -9 in mid-call: the far end, which nobody killed, gets its BYE and no second INVITE',
  async () => {
    const dataDir = await newFolder();
    const port = await freePort();
    const scenario = await sippScenario(await newFolder(), 'uas-wait-for-bye.xml');
    const first = await start(dataDir);
    const { from } = await createTrunk(first, { gateways: [{ host: '127.0.0.1', port }] });
    const sipp = await startSippServer(port, ['-sf', scenario], dataDir);
    peers.push(sipp);
    const placed = await first.client.placeCall({ to: '+14155550123', from });
    await eventOf(first, placed.id, (type) => type === 'call.answered');
    await first.kill();

    const second = await start(dataDir);
    // The scenario ends with 0 when its one call had exactly INVITE, ACK and BYE.
    expect(await sipp.exited, sipp.output()).toBe(0);
    expect(await finalCall(second, placed.id)).toMatchObject({
      status: 'error',
      end_reason: 'node-lost',
    });
  },
);

it('SIGTERM lets a live call finish, refuses new ones, tells the end and ends with 0', async () => {
  const dataDir = await newFolder();
  const program = await start(dataDir);
  const placed = await program.client.placeCall({ to: '+15005550101' });
  await eventOf(program, placed.id, (type) => type === 'call.answered');
  const end = eventOf(program, placed.id, (type) => type === 'call.status');
  program.signal('SIGTERM');
  await program.printed(/finishing the live calls/);
  await expect(program.client.placeCall({ to: '+15005550102' })).rejects.toMatchObject({
    status: 503,
    code: 'draining',
  });
  expect(await end).toMatchObject({ status: 'completed' });
  expect(await program.exited).toBe(0);

  const again = await start(dataDir);
  const call = await again.client.getCall(placed.id);
  expect(call).toMatchObject({ status: 'completed', outcome: { outcome: 'confirmed' } });
});
