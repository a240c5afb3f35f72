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
 * Deletes recordings, transcripts and SIP messages whose time is over, sends recordings that the bucket did not
 * take then, and gives back money that nothing holds any more. Everything in it may be interrupted,
 * and done by several machines at once.
 */
export async function sweep(ctx: PostCallContext, signal: AbortSignal): Promise<void> {
  const now = new Date(ctx.clock.now());
  await inBatches(
    ctx,
    signal,
    () => retention.listExpiredRecordings(ctx.db.pool, now, BATCH),
    async (call) => {
      await deleteRecording(ctx, call);
      ctx.logger.info({ callId: call.id }, 'deleted a recording whose time was over');
    },
  );
  await inBatches(
    ctx,
    signal,
    () => retention.listExpiredTranscripts(ctx.db.pool, now, BATCH),
    async (call) => {
      await deleteTranscript(ctx, call);
      ctx.logger.info({ callId: call.id }, 'deleted a transcript whose time was over');
    },
  );
  await expireTraces(ctx, now, signal);
  await archiveLeftOver(ctx, signal);
  await finishForgotten(ctx, signal);
  for (const callId of await holds.listForgotten(ctx.db.pool)) {
    await ctx.db.transaction((client) => releaseHold(client, callId));
    ctx.logger.warn({ callId }, 'gave back money that was reserved for a call that is over');
  }
}

async function expireTraces(ctx: PostCallContext, now: Date, signal: AbortSignal): Promise<void> {
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const count = await retention.deleteExpiredTraces(ctx.db.pool, now, BATCH);
    if (count > 0) ctx.logger.info({ calls: count }, 'deleted SIP messages whose time was over');
    if (count < BATCH) return;
  }
}

/** Ends when a batch is not full, or when nothing of it could be done. */
async function inBatches<Row extends { id: string }>(
  ctx: PostCallContext,
  signal: AbortSignal,
  list: () => Promise<Row[]>,
  work: (row: Row) => Promise<void>,
): Promise<void> {
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const rows = await list();
    if ((await forEach(ctx, signal, rows, work)) === 0 || rows.length < BATCH) return;
  }
}

/** One row that cannot be worked on holds up no other. Returns how many could. */
async function forEach<Row extends { id: string }>(
  ctx: PostCallContext,
  signal: AbortSignal,
  rows: readonly Row[],
  work: (row: Row) => Promise<void>,
): Promise<number> {
  let done = 0;
  for (const row of rows) {
    if (signal.aborted) return 0;
    try {
      await work(row);
      done++;
    } catch (error) {
      ctx.logger.warn(
        { err: error, callId: row.id },
        'what is left to do for a call failed; it is tried again',
      );
    }
  }
  return done;
}

/** A job that failed too often is given up; what is left to do is not. */
async function finishForgotten(ctx: PostCallContext, signal: AbortSignal): Promise<void> {
  const oldestMs = ctx.clock.now() - FORGOTTEN_AFTER_MS;
  let afterId = '';
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const rows = await calls.listDisconnected(ctx.db.pool, BATCH, afterId);
    const forgotten = rows.filter(
      ({ disconnectedAt }) => (disconnectedAt?.getTime() ?? 0) <= oldestMs,
    );
    await forEach(ctx, signal, forgotten, ({ id }) => runPostCall(ctx, id, { signal }));
    afterId = rows.at(-1)?.id ?? '';
    if (rows.length < BATCH) break;
  }
  // Of a node that was lost: they have their final status, and were charged nothing yet.
  const uncharged = await holds.listUncharged(ctx.db.pool, BATCH);
  await forEach(ctx, signal, uncharged, ({ id }) => runPostCall(ctx, id, { signal }));
}

/** Recordings that stayed on the disk when the store was away. */
async function archiveLeftOver(ctx: PostCallContext, signal: AbortSignal): Promise<void> {
  if (ctx.recordings.place !== 's3') return;
  let before: Date | null = null;
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const rows: retention.DiskRecording[] = await retention.listOnDisk(ctx.db.pool, before, BATCH);
    await forEach(ctx, signal, rows, async ({ id, recordingKey }) => {
      const place = await ctx.recordings.archive(recordingKey);
      // On the disk of another machine, whose sweep finds it.
      if (place !== 's3') return;
      await calls.update(ctx.db.pool, id, { recordingStore: 's3' });
      await ctx.recordings.forgetFile(recordingKey);
    });
    before = rows.at(-1)?.endedAt ?? null;
    if (rows.length < BATCH || before === null) return;
  }
}
