import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as agents from '../db/queries/agents.ts';
import * as retention from '../db/queries/retention.ts';
import * as sipTraces from '../db/queries/sip-traces.ts';
import * as turns from '../db/queries/turns.ts';
import { appendCallEvent } from '../events/event-log.ts';
import { systemClock as clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { createRecordingLibrary } from '../storage/recording-library.ts';
import { createRecordingStore } from '../storage/recordings.ts';
import { createS3Store } from '../storage/s3-store.ts';
import { startFakeS3, type FakeS3 } from '../storage/testing/fake-s3.ts';
import type { PostCallContext } from './post-call-context.ts';
import { runPostCall } from './run-post-call.ts';
import { sweep } from './sweep.ts';
import {
  openCallLab,
  postCallContext,
  storeOverCall,
  type CallLab,
} from './testing/post-call-lab.ts';

const DAY_MS = 86_400_000;
let lab: CallLab;
let folder: string;
let s3: FakeS3;
let ctx: PostCallContext;
const signal = new AbortController().signal;

beforeAll(async () => {
  lab = await openCallLab();
  folder = await mkdtemp(path.join(tmpdir(), 'trunkline-sweep-'));
  s3 = await startFakeS3();
  ctx = postCallContext(lab, folder, {
    recordings: createRecordingLibrary(
      createRecordingStore(folder),
      createS3Store(s3.settings, clock),
    ),
  });
});
afterAll(async () => {
  await lab.close();
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

/** A finished call with a recording, so many days old. */
async function finishedCall(
  ageDays: number,
  config: Record<string, unknown> = {},
): Promise<string> {
  const { id: agentId } = await agents.insert(lab.db.pool, {
    id: newId('agent', clock.now()),
    workspaceId: lab.workspaceId,
    config: { name: 'x', type: 'llm', llm: { provider: 'fake' }, ...config },
  });
  const callId = await storeOverCall(lab, { status: 'call-disconnected', agentId });
  await lab.db.transaction((client) =>
    appendCallEvent(client, callId, {
      type: 'call.transcript',
      data: { speaker: 'caller', turn_id: 't1', text: 'Yes, that is right.', final: true },
    }),
  );
  const recordingKey = `${lab.workspaceId}/${callId}.wav`;
  await mkdir(path.join(folder, lab.workspaceId), { recursive: true });
  await writeFile(path.join(folder, recordingKey), 'RIFF');
  await lab.db.pool.query('update calls set recording_key = $2 where id = $1', [
    callId,
    recordingKey,
  ]);
  await runPostCall(ctx, callId);
  await lab.db.pool.query('update calls set ended_at = $2 where id = $1', [
    callId,
    new Date(clock.now() - ageDays * DAY_MS),
  ]);
  return callId;
}

const setDays = (
  recordingDays: number | null,
  transcriptDays: number | null,
  sipDays: number | null = null,
): Promise<void> =>
  retention.put(lab.db.pool, lab.workspaceId, { recordingDays, transcriptDays, sipDays });

describe('what calls leave', () => {
  it('is deleted everywhere when its days are over, by the agent’s rule before the workspace’s', async () => {
    const young = await finishedCall(5);
    const old = await finishedCall(20);
    const kept = await finishedCall(20, { retention: { recording_days: 30, transcript_days: 30 } });
    await setDays(null, null);
    await sweep(ctx, signal);
    expect((await lab.call(old)).recordingKey).not.toBeNull();

    await setDays(10, 10);
    await sweep(ctx, signal);
    expect(await lab.call(old)).toMatchObject({
      recordingKey: null,
      recordingDeletedAt: expect.any(Date) as Date,
      transcript: null,
      summary: null,
      transcriptDeletedAt: expect.any(Date) as Date,
    });
    expect(await turns.listByCall(lab.db.pool, old)).toEqual([]);
    expect(JSON.stringify(await lab.events(old))).not.toContain('that is right');
    for (const callId of [young, kept]) {
      expect(await lab.call(callId)).toMatchObject({
        recordingStore: 's3',
        transcript: expect.stringContaining('that is right') as string,
      });
      expect(s3.objects.has(`${lab.workspaceId}/${callId}.wav`)).toBe(true);
    }
    expect(s3.objects.has(`${lab.workspaceId}/${old}.wav`)).toBe(false);
  });

  it('deletes SIP messages when their days are over, and with the call', async () => {
    const [old, young] = [await finishedCall(1), await finishedCall(1)];
    for (const [callId, days] of [
      [old, 20],
      [young, 5],
    ] as const) {
      await sipTraces.append(lab.db.pool, {
        callId,
        workspaceId: lab.workspaceId,
        messages: [{ at_ms: 1, direction: 'sent', peer: 'a:1', transport: 'udp', text: 'INVITE' }],
      });
      await lab.db.pool.query('update sip_traces set created_at = $2 where call_id = $1', [
        callId,
        new Date(clock.now() - days * DAY_MS),
      ]);
    }
    const left = async (): Promise<number[]> =>
      Promise.all(
        [old, young].map(
          async (id) => (await sipTraces.read(lab.db.pool, lab.workspaceId, id)).length,
        ),
      );
    await setDays(null, null, null);
    await sweep(ctx, signal);
    expect(await left()).toEqual([1, 1]);
    await setDays(null, null, 10);
    await sweep(ctx, signal);
    expect(await left()).toEqual([0, 1]);
    await setDays(null, null, null);
  });

  it(
    'stays on the disk while the bucket is away, and is sent when it is back',
    { timeout: 180_000 },
    async () => {
      await setDays(null, null);
      s3.away = true;
      const callId = await finishedCall(1);
      expect(await lab.call(callId)).toMatchObject({ status: 'completed', recordingStore: 'disk' });
      const file = `${callId}.wav`;
      expect(await readdir(path.join(folder, lab.workspaceId))).toContain(file);
      s3.away = false;
      await sweep(ctx, signal);
      expect(await lab.call(callId)).toMatchObject({ recordingStore: 's3' });
      expect(await readdir(path.join(folder, lab.workspaceId))).not.toContain(file);
    },
  );

  it('waits for the machine that has the recording, and not for ever', async () => {
    const callId = await storeOverCall(lab, {
      status: 'call-disconnected',
      recordingKey: `${lab.workspaceId}/elsewhere.wav`,
    });
    await expect(runPostCall(ctx, callId, { mayComeAgain: true })).rejects.toThrow(
      'not on this machine',
    );
    expect(await lab.call(callId)).toMatchObject({ status: 'call-disconnected' });
    await runPostCall(ctx, callId);
    expect(await lab.call(callId)).toMatchObject({ status: 'completed', recordingStore: 'disk' });
    // That machine's sweep finds the file.
    await writeFile(path.join(folder, lab.workspaceId, 'elsewhere.wav'), 'RIFF');
    await sweep(ctx, signal);
    expect(await lab.call(callId)).toMatchObject({ recordingStore: 's3' });
  });
});

describe('a call whose job was given up', () => {
  it('is finished by the sweep, and forgotten money is given back', async () => {
    const callId = await storeOverCall(lab, { status: 'call-disconnected' });
    await sweep(ctx, signal);
    expect(await lab.call(callId)).toMatchObject({ status: 'completed' });

    const { workspaceId } = lab;
    const forgotten = await storeOverCall(lab, {
      status: 'failed',
      answeredAt: null,
      endedAt: new Date(clock.now() - DAY_MS),
      cost: { total_micros: 0, lines: [] },
    });
    const estimate = { periodMs: 60_000, periodMicros: 500 };
    await lab.db.transaction((client) =>
      lab.wallet.hold(client, { workspaceId, callId: forgotten, estimate }),
    );
    expect(await lab.wallet.balance(workspaceId)).toMatchObject({ heldMicros: 500 });
    await sweep(ctx, signal);
    expect(await lab.wallet.balance(workspaceId)).toMatchObject({ heldMicros: 0 });
  });

  it('is charged where its node was lost, and one that cannot be finished holds up no other', async () => {
    const broken = await storeOverCall(lab, {
      status: 'call-disconnected',
      recordingKey: `${lab.workspaceId}/broken.wav`,
    });
    const lost = await storeOverCall(lab, {
      status: 'error',
      endedAt: new Date(clock.now() - DAY_MS),
    });
    const next = await storeOverCall(lab, { status: 'call-disconnected' });
    const { workspaceId } = lab;
    const estimate = { periodMs: 60_000, periodMicros: 500 };
    await lab.db.transaction((client) =>
      lab.wallet.hold(client, { workspaceId, callId: lost, estimate }),
    );
    const failing: PostCallContext = {
      ...ctx,
      recordings: { ...ctx.recordings, forgetFile: () => Promise.reject(new Error('disk fails')) },
    };
    await lab.db.pool.query(`update calls set recording_store = 's3' where id = $1`, [broken]);
    await writeFile(path.join(folder, workspaceId, 'broken.wav'), 'RIFF');
    await sweep(failing, signal);
    expect(await lab.call(broken)).toMatchObject({ status: 'call-disconnected' });
    expect(await lab.call(next)).toMatchObject({ status: 'completed' });
    expect((await lab.call(lost)).cost).not.toBeNull();
    expect(await lab.wallet.balance(workspaceId)).toMatchObject({ heldMicros: 0 });
    await sweep(ctx, signal);
    expect(await lab.call(broken)).toMatchObject({ status: 'completed' });
  });
});
