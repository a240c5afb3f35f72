import type { TransactionClient } from '../db/database.ts';
import type { CallRow } from '../db/queries/calls.ts';
import type { PostCallStepName } from '../db/queries/post-call-steps.ts';
import type { CallEvent } from '../events/call-event.ts';
import type { PostCallContext } from './post-call-context.ts';

/** What a step leaves: worth knowing later, and to be published after the commit. */
export interface StepResult {
  detail?: Record<string, unknown>;
  events?: readonly CallEvent[];
}

/** One delivery of a call's job. */
export interface StepRun {
  signal: AbortSignal;
  /** Whether another machine may be asked: the job comes again. */
  mayComeAgain: boolean;
}

/**
 * One step after a call. `prepare` does what takes time or lies outside the database, and may be
 * done again; `commit` stores it, in the transaction that notes the step, once.
 */
export interface PostCallStep<Prepared> {
  readonly name: PostCallStepName;
  prepare(ctx: PostCallContext, call: CallRow, run: StepRun): Promise<Prepared>;
  commit(
    ctx: PostCallContext,
    client: TransactionClient,
    call: CallRow,
    prepared: Prepared,
  ): Promise<StepResult>;
}
