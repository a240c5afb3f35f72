import * as calls from '../db/queries/calls.ts';
import * as steps from '../db/queries/post-call-steps.ts';
import { FINAL_STATUSES } from '../calls/call-status.ts';
import { analysisStep } from './analysis-step.ts';
import { costStep } from './cost-step.ts';
import { finalStep } from './final-step.ts';
import type { PostCallContext } from './post-call-context.ts';
import type { PostCallStep, StepResult, StepRun } from './post-call-step.ts';
import { recordingStep } from './recording-step.ts';
import { transcriptStep } from './transcript-step.ts';

export interface RunPostCallOptions extends Partial<StepRun> {
  /** Told before the work of each step, before its commit and after it, and waited for. */
  onProgress?: (
    step: steps.PostCallStepName,
    phase: 'begin' | 'prepared' | 'committed',
  ) => Promise<void> | void;
}

/**
 * Does what is left to do after an answered call. Each step commits once, together with the note
 * that it is done: whoever dies in between, the next run goes on there.
 */
export async function runPostCall(
  ctx: PostCallContext,
  callId: string,
  options: RunPostCallOptions = {},
): Promise<void> {
  const call = await calls.get(ctx.db.pool, callId);
  if (!call || !needsWork(call)) return;
  const done = await steps.doneSteps(ctx.db.pool, callId);
  const all = [transcriptStep, analysisStep, costStep, recordingStep, finalStep] as const;
  for (const step of all) {
    if (!done.has(step.name)) {
      // The row as the steps before have left it.
      const now = (await calls.get(ctx.db.pool, callId)) ?? call;
      await runStep(ctx, now, step, options);
    }
  }
}

/** A call that was not answered left nothing to work on; one that is live is not over. */
function needsWork(call: calls.CallRow): boolean {
  if (call.status === 'call-disconnected') return true;
  return FINAL_STATUSES.has(call.status) && call.answeredAt !== null;
}

async function runStep(
  ctx: PostCallContext,
  call: calls.CallRow,
  step: PostCallStep<unknown>,
  options: RunPostCallOptions,
): Promise<void> {
  const { onProgress, signal = new AbortController().signal, mayComeAgain = false } = options;
  signal.throwIfAborted();
  await onProgress?.(step.name, 'begin');
  const prepared = await step.prepare(ctx, call, { signal, mayComeAgain });
  await onProgress?.(step.name, 'prepared');
  const result = await ctx.db.transaction(async (client): Promise<StepResult> => {
    await client.query('select from calls where id = $1 for update', [call.id]);
    const locked = await calls.get(client, call.id);
    // Another delivery of the same job was faster.
    if (!locked || !(await steps.begin(client, call, step.name))) return {};
    const stored = await step.commit(ctx, client, locked, prepared);
    if (stored.detail) await steps.setDetail(client, call.id, step.name, stored.detail);
    return stored;
  });
  for (const event of result.events ?? []) ctx.feed.publish(event);
  await onProgress?.(step.name, 'committed');
}
