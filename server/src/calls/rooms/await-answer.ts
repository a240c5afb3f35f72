import type { CallRow } from '../../db/queries/calls.ts';
import * as calls from '../../db/queries/calls.ts';
import type { RoomCore } from './room-context.ts';

/** How soon an answer is known here that another node has seen. */
const LOOK_MS = 200;
const WAITING: ReadonlySet<CallRow['status']> = new Set([
  'scheduled',
  'queued',
  'rescheduled',
  'initiated',
  'ringing',
]);

/** Resolves with the call when it was answered or is over. Rejects when `signal` is aborted. */
export async function awaitAnswer(
  ctx: Pick<RoomCore, 'db' | 'clock'>,
  callId: string,
  signal: AbortSignal,
): Promise<CallRow> {
  for (;;) {
    const call = await calls.get(ctx.db.pool, callId);
    if (!call) throw new Error(`expected call ${callId}, got none`);
    if (!WAITING.has(call.status)) return call;
    await ctx.clock.sleep(LOOK_MS, signal);
  }
}

/** Resolves when an answered call is over. Rejects when `signal` is aborted. */
export async function awaitEnd(
  ctx: Pick<RoomCore, 'db' | 'clock'>,
  callId: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const call = await calls.get(ctx.db.pool, callId);
    if (call?.status !== 'in-progress') return;
    await ctx.clock.sleep(LOOK_MS, signal);
  }
}
