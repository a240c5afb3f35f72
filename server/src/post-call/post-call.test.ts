import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wavHeader } from '../audio/wav.ts';
import * as agents from '../db/queries/agents.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import { systemClock as clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { CallCost } from '../wallet/price-call.ts';
import { startPostCall } from './post-call.ts';
import { deleteRecording } from './retention.ts';
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
  folder = await mkdtemp(path.join(tmpdir(), 'trunkline-post-call-'));
  await lab.db.pool.query(`insert into rates values ('platform', '*', 'minute', 60000)`);
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

const context = (
  ...args: Parameters<typeof postCallContext> extends [unknown, unknown, ...infer R] ? R : never
) => postCallContext(lab, folder, ...args);

/** What the wallet keeps for a call while it lives. */
const reserve = (callId: string, periodMicros: number) =>
  lab.db.transaction((client) =>
    lab.wallet.hold(client, {
      workspaceId: lab.workspaceId,
      callId,
      estimate: { periodMs: 60_000, periodMicros },
    }),
  );

describe('after a call', () => {
  it.each([
    ['callee-hangup', 'completed'],
    ['api-stopped', 'stopped'],
    ['shutdown', 'stopped'],
    ['credit-exhausted', 'completed'],
    ['voice-worker-crashed', 'error'],
  ])('that ended by %s its status becomes %s, once', async (endReason, status) => {
    const callId = await storeOverCall(lab, { status: 'call-disconnected', endReason });
    const ctx = context();
    await Promise.all([1, 2, 3].map(() => runPostCall(ctx, callId)));
    await runPostCall(ctx, callId);
    expect(ctx.published).toHaveLength(1);
    expect(await lab.call(callId)).toMatchObject({
      status,
      endReason,
      cost: { total_micros: 10_000 },
      transcript: 'agent: Is the appointment confirmed?\ncaller: Yes, that is right.',
    });
    expect((await lab.events(callId)).map((event) => event.type)).toEqual(['call.status']);
    const { rows } = await lab.db.pool.query(
      `select kind, call_id from ledger_transactions where call_id = $1`,
      [callId],
    );
    expect(rows).toEqual([{ kind: 'settle', call_id: callId }]);
  });

  it('that was lost with its node everything but the status is added', async () => {
    const callId = await storeOverCall(lab, { status: 'error', endReason: 'node-lost' });
    await reserve(callId, 60_000);
    const ctx = context();
    await runPostCall(ctx, callId);
    expect(ctx.published).toEqual([]);
    expect(await lab.call(callId)).toMatchObject({
      status: 'error',
      cost: { total_micros: 10_000 },
      transcript: expect.stringContaining('Yes, that is right.') as string,
    });
  });

  it('that was lost with its node never costs more than was reserved for it', async () => {
    const lost = { status: 'error', endReason: 'node-lost' } as const;
    const callId = await storeOverCall(lab, lost);
    await reserve(callId, 4_000);
    const free = await storeOverCall(lab, lost);
    const before = await lab.wallet.balance(lab.workspaceId);
    for (const id of [callId, free]) await runPostCall(context(), id);
    const cost = (await lab.call(callId)).cost as CallCost;
    expect(cost.total_micros).toBe(4_000);
    expect(cost.lines.reduce((sum, { micros }) => sum + micros, 0)).toBe(4_000);
    expect(await lab.call(free)).toMatchObject({ cost: { total_micros: 0 } });
    const after = await lab.wallet.balance(lab.workspaceId);
    expect(after.balanceMicros).toBe(before.balanceMicros - 4_000);
    expect(after.availableMicros).toBe(before.availableMicros);
  });

  it('that was lost with its node what was recorded of it by then is kept, cut to what plays', async () => {
    const lost = { status: 'error', endReason: 'node-lost' } as const;
    const callId = await storeOverCall(lab, lost);
    const other = await storeOverCall(lab, { status: 'call-disconnected' });
    const recordingDir = path.join(folder, lab.workspaceId);
    await mkdir(recordingDir, { recursive: true });
    const header = wavHeader({ sampleRateHz: 8_000, channelCount: 2, dataBytes: 64_000 });
    for (const id of [callId, other]) {
      // Killed in the middle of an append.
      const bytes = Buffer.concat([header, Buffer.alloc(96_003, 1)]);
      await writeFile(path.join(recordingDir, `${id}.wav`), bytes);
      await runPostCall(context(), id);
    }
    const recordingKey = `${lab.workspaceId}/${callId}.wav`;
    const call = await lab.call(callId);
    expect(call).toMatchObject({
      recordingKey,
      recordingDurationMs: 3_000,
      recordingStore: 'disk',
    });
    const opened = await context().recordings.open({ recordingKey, recordingStore: 'disk' });
    expect(opened?.sizeBytes).toBe(44 + 96_000);
    opened?.stream.destroy();
    await deleteRecording(context(), { ...call, recordingKey });
    expect(await readdir(recordingDir)).not.toContain(`${callId}.wav`);
    expect((await lab.call(callId)).recordingKey).toBeNull();
    // A call that ended in order said itself whether it was recorded.
    expect(await lab.call(other)).toMatchObject({ recordingKey: null });
  });

  it('that was lost with its node and whose recording is not here has none', async () => {
    const callId = await storeOverCall(lab, { status: 'error', endReason: 'node-lost' });
    await runPostCall(context(), callId);
    expect(await lab.call(callId)).toMatchObject({ recordingKey: null, recordingDurationMs: null });
  });

  it('that is not over, was not answered, or is not there, nothing happens', async () => {
    const live = await storeOverCall(lab, { status: 'in-progress' });
    const unanswered = await storeOverCall(lab, { status: 'no-answer', answeredAt: null });
    const ctx = context();
    for (const callId of [live, unanswered, 'call_unknown']) await runPostCall(ctx, callId);
    expect(ctx.published).toEqual([]);
    expect(await lab.call(live)).toMatchObject({ status: 'in-progress', cost: null });
    expect(await lab.call(unanswered)).toMatchObject({ transcript: null });
  });

  it('its summary and data say that rules made them where no model did', async () => {
    const { id: agentId } = await agents.insert(lab.db.pool, {
      id: newId('agent', clock.now()),
      workspaceId: lab.workspaceId,
      config: {
        name: 'x',
        type: 'llm',
        llm: { provider: 'fake' },
        analysis: {
          extraction: {
            schema: {
              type: 'object',
              properties: {
                appointment_confirmed: { type: 'boolean' },
                reason: { type: 'integer' },
              },
              required: ['reason'],
            },
          },
        },
      },
    });
    const callId = await storeOverCall(lab, { status: 'call-disconnected', agentId });
    await runPostCall(context(), callId);
    const call = await lab.call(callId);
    expect(call.extractedData).toEqual({ appointment_confirmed: true });
    expect(call.summary).toContain('"Yes, that is right."');
    expect(call.analysis).toMatchObject({
      by: 'rules',
      valid: false,
      problems: ["/ must have required property 'reason'"],
      evidence: { appointment_confirmed: 'Yes, that is right.' },
    });
  });

  it('all that are over are settled at once when the program ends, jobs or none', async () => {
    const over = await Promise.all([
      storeOverCall(lab, { status: 'call-disconnected', endReason: 'silence' }),
      storeOverCall(lab, { status: 'call-disconnected' }),
    ]);
    const live = await storeOverCall(lab, { status: 'in-progress' });
    const ctx = context();
    const jobs: Pick<JobQueue, 'work' | 'createQueue'> = {
      work: () => Promise.resolve(() => Promise.resolve()),
      createQueue: () => Promise.resolve(),
    };
    const postCall = await startPostCall({ ...ctx, jobs });
    await postCall.settleAll();
    await postCall.close();
    expect(ctx.published.map(({ callId }) => callId).sort()).toEqual([...over].sort());
    expect(await lab.call(live)).toMatchObject({ status: 'in-progress' });
  });
});
