import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBaresip } from './harness/baresip.ts';
import { isInstalled } from './harness/peer-process.ts';
import { eventOf, finalCall, startProgram, type Program } from './harness/program.ts';
import { createTrunk } from './harness/trunk.ts';

let program: Program;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-keys-'));
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!isInstalled('baresip'))('keys pressed on a phone (RFC 4733)', () => {
  it('1 confirms the appointment, and one press counts once', async () => {
    const phone = await startBaresip(
      path.join(folder, 'phone'),
      '+14155550123',
      new Int16Array(8_000),
    );
    try {
      const { from } = await createTrunk(program, {
        gateways: [{ host: '127.0.0.1', port: phone.sipPort }],
      });
      const placed = await program.client.placeCall({ to: '+14155550123', from });
      await eventOf(
        program,
        placed.id,
        (type, data) => type === 'call.turn' && data['speaker'] === 'agent',
      );
      await phone.command('sndcode', '1');
      const pressed = await eventOf(program, placed.id, (type) => type === 'call.dtmf');
      expect(pressed).toMatchObject({ digit: '1', from: 'caller' });
      await eventOf(
        program,
        placed.id,
        (type, data) => type === 'call.turn' && /is confirmed/i.test(String(data['text'])),
      );
      await phone.command('hangup');
      const call = await finalCall(program, placed.id);
      expect(call).toMatchObject({
        status: 'completed',
        end_reason: 'callee-hangup',
        ended_by: 'callee',
        outcome: { outcome: 'confirmed' },
      });
      const digits: unknown[] = [];
      for await (const event of program.client.callEvents(placed.id)) {
        if (event.type === 'call.dtmf') digits.push(event.data['digit']);
      }
      expect(digits).toEqual(['1']);
    } finally {
      await phone.process.stop();
    }
  });
});
