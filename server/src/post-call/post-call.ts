import * as calls from '../db/queries/calls.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import type { TimerHandle } from '../shared/clock.ts';
import type { PostCallContext } from './post-call-context.ts';
import { runPostCall } from './run-post-call.ts';
import { sweep } from './sweep.ts';

export interface PostCallOptions extends PostCallContext {
  jobs: Pick<JobQueue, 'work' | 'createQueue'>;
  /** Between two looks for what is to be deleted. Default 10 minutes. */
  sweepPeriodMs?: number;
}

/** Calls whose model is being waited for stand in nobody's way. */
const CONCURRENCY = 20;
/** Longer than three answers of the slowest model. */
const EXPIRE_S = 420;
const RETRY_LIMIT = 20;
/** Deliveries in which a recording that is not here may be on the machine that gets the next one. */
const ELSEWHERE_DELIVERIES = 5;
const SWEEP_PERIOD_MS = 600_000;
/** The program ends: a model that is still thinking is asked again after the next start. */
const SETTLE_LIMIT_MS = 5_000;

/** What is done when calls are over. */
export interface PostCall {
  /** Gives every call that is over its final status, as far as that takes a few seconds. */
  settleAll(): Promise<void>;
  /** Deletes at once what is to be deleted. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** Works on calls that were answered and are over, until closed. */
export async function startPostCall(options: PostCallOptions): Promise<PostCall> {
  const { jobs, clock, logger } = options;
  const closing = new AbortController();
  await jobs.createQueue('call.post', { expireInSeconds: EXPIRE_S, retryLimit: RETRY_LIMIT });
  const stop = await jobs.work('call.post', { concurrency: CONCURRENCY }, (job, signal) =>
    runPostCall(options, job.data.callId, {
      signal: AbortSignal.any([signal, closing.signal]),
      mayComeAgain: job.retryCount < ELSEWHERE_DELIVERIES,
    }),
  );

  let timer: TimerHandle | null = null;
  let sweeping: Promise<void> = Promise.resolve();
  const sweepNow = (): Promise<void> => {
    sweeping = sweeping.then(() =>
      sweep(options, closing.signal).catch((error: unknown) =>
        logger.warn({ err: error }, 'what is to be deleted was not deleted; it is tried again'),
      ),
    );
    return sweeping;
  };
  const arm = (): void => {
    timer = clock.setTimer(options.sweepPeriodMs ?? SWEEP_PERIOD_MS, () => {
      void sweepNow().then(() => {
        if (!closing.signal.aborted) arm();
      });
    });
  };
  arm();

  return {
    sweep: sweepNow,
    async settleAll() {
      const limit = new AbortController();
      const timeout = clock.setTimer(SETTLE_LIMIT_MS, () =>
        limit.abort(new Error('the program ends')),
      );
      try {
        for (const call of await calls.listDisconnected(options.db.pool)) {
          await runPostCall(options, call.id, {
            signal: limit.signal,
            mayComeAgain: true,
          }).catch((error: unknown) =>
            logger.warn({ err: error, callId: call.id }, 'a call is finished after the next start'),
          );
        }
      } finally {
        timeout.cancel();
      }
    },
    async close() {
      closing.abort(new Error('the program ends'));
      timer?.cancel();
      await Promise.all([stop(), sweeping]);
    },
  };
}
