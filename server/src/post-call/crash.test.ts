import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POST_CALL_STEPS } from '../db/queries/post-call-steps.ts';
import { runPostCall } from './run-post-call.ts';
import {
  openCallLab,
  postCallContext,
  storeOverCall,
  type CallLab,
} from './testing/post-call-lab.ts';

let lab: CallLab;
let folder: string;

beforeAll(async () => {
  lab = await openCallLab();
  folder = await mkdtemp(path.join(tmpdir(), 'trunkline-crash-'));
  await lab.db.pool.query(`insert into rates values ('platform', '*', 'minute', 60000)`);
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

const program = path.join(import.meta.dirname, 'testing/run-and-die.ts');

/** Works on the call in a process of its own; the signal that ended it. */
async function runAndDie(callId: string, point: string): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, [program, lab.db.url, folder, callId, point], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal;
}

const POINTS = POST_CALL_STEPS.flatMap((step) =>
  (['begin', 'prepared', 'committed'] as const).map((phase) => `${step}:${phase}`),
);

describe('a process killed with SIGKILL after a call', () => {
  it.each(POINTS)(
    'at %s leaves a call that ends completed once',
    { timeout: 180_000 },
    async (point) => {
      const callId = await storeOverCall(lab, { status: 'call-disconnected' });
      const recordingKey = `${lab.workspaceId}/${callId}.wav`;
      await mkdir(path.join(folder, lab.workspaceId), { recursive: true });
      await writeFile(path.join(folder, recordingKey), 'RIFF of the call');
      await lab.db.pool.query('update calls set recording_key = $2 where id = $1', [
        callId,
        recordingKey,
      ]);
      // The wallet has reserved a minute for it.
      const estimate = { periodMs: 60_000, periodMicros: 60_000 };
      const { workspaceId } = lab;
      await lab.db.transaction((client) =>
        lab.wallet.hold(client, { workspaceId, callId, estimate }),
      );

      expect(await runAndDie(callId, point)).toBe('SIGKILL');
      if (point !== 'final:committed') {
        expect(await lab.call(callId)).toMatchObject({ status: 'call-disconnected' });
      }
      await runPostCall(postCallContext(lab, folder), callId);
      await runPostCall(postCallContext(lab, folder), callId);

      const call = await lab.call(callId);
      expect(call).toMatchObject({
        status: 'completed',
        cost: { total_micros: 10_000 },
        transcript: 'agent: Is the appointment confirmed?\ncaller: Yes, that is right.',
        summary: expect.stringContaining('Yes, that is right.') as string,
        recordingKey,
        recordingStore: 'disk',
      });
      expect(await readFile(path.join(folder, recordingKey), 'utf8')).toBe('RIFF of the call');
      const events = await lab.events(callId);
      expect(events.filter((event) => event.type === 'call.status')).toHaveLength(1);
      const { rows } = await lab.db.pool.query<{ kind: string }>(
        'select kind from ledger_transactions where call_id = $1 order by created_at, kind',
        [callId],
      );
      expect(rows.map(({ kind }) => kind)).toEqual(['hold', 'settle']);
      expect(await lab.wallet.balance(workspaceId)).toMatchObject({ heldMicros: 0 });
    },
  );
});
