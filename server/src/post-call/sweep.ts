import * as holds from '../db/queries/holds.ts';
import * as retention from '../db/queries/retention.ts';
import * as calls from '../db/queries/calls.ts';
import { releaseHold } from '../wallet/release-hold.ts';
import type { PostCallContext } from './post-call-context.ts';
import { runPostCall } from './run-post-call.ts';
import { deleteRecording, deleteTranscript } from './retention.ts';

const BATCH = 100;
/** Batches in one sweep: the next one goes on where this one stopped. */
const MAX_BATCHES = 50;
/** A call that is not finished by then has lost its job. */
const FORGOTTEN_AFTER_MS = 900_000;

/**
 * Deletes recordings and transcripts whose time is over, sends recordings that the bucket did not
 * take then, and gives back money that nothing holds any more. Everything in it may be interrupted,
 * and done by several machines at once.
 */
export async function sweep(ctx: PostCallContext, signal: AbortSignal): Promise<void> {
  const now = new Date(ctx.clock.now());
  await inBatches(
    signal,
    () => retention.listExpiredRecordings(ctx.db.pool, now, BATCH),
    async (call) => {
      await deleteRecording(ctx, call);
      ctx.logger.info({ callId: call.id }, 'deleted a recording whose time was over');
    },
  );
  await inBatches(
    signal,
    () => retention.listExpiredTranscripts(ctx.db.pool, now, BATCH),
    async (call) => {
      await deleteTranscript(ctx, call);
      ctx.logger.info({ callId: call.id }, 'deleted a transcript whose time was over');
    },
  );
  await archiveLeftOver(ctx, signal);
  await finishForgotten(ctx, signal);
  for (const callId of await holds.listForgotten(ctx.db.pool)) {
    await ctx.db.transaction((client) => releaseHold(client, callId));
    ctx.logger.warn({ callId }, 'gave back money that was reserved for a call that is over');
  }
}

async function inBatches<Row>(
  signal: AbortSignal,
  list: () => Promise<Row[]>,
  work: (row: Row) => Promise<void>,
): Promise<void> {
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const rows = await list();
    for (const row of rows) {
      if (signal.aborted) return;
      await work(row);
    }
    if (rows.length < BATCH) return;
  }
}

/** A job that failed too often is given up; what is left to do is not. */
async function finishForgotten(ctx: PostCallContext, signal: AbortSignal): Promise<void> {
  const oldestMs = ctx.clock.now() - FORGOTTEN_AFTER_MS;
  for (const call of await calls.listDisconnected(ctx.db.pool, BATCH)) {
    if (signal.aborted) return;
    if ((call.disconnectedAt?.getTime() ?? 0) > oldestMs) continue;
    await runPostCall(ctx, call.id, { signal });
  }
}

/** Recordings that stayed on the disk when the store was away. */
async function archiveLeftOver(ctx: PostCallContext, signal: AbortSignal): Promise<void> {
  if (ctx.recordings.place !== 's3') return;
  for (const { id, recordingKey } of await retention.listOnDisk(ctx.db.pool, BATCH)) {
    if (signal.aborted) return;
    const place = await ctx.recordings.archive(recordingKey);
    // On the disk of another machine, whose sweep finds it.
    if (place !== 's3') continue;
    await calls.update(ctx.db.pool, id, { recordingStore: 's3' });
    await ctx.recordings.forgetFile(recordingKey);
  }
}
