import type { JobQueue } from '../jobs/job-queue.ts';
import type { Logger } from '../shared/logger.ts';
import type { KnownCall } from './load-plan.ts';

/** The job of a call that is dialled at once comes after so long, for the case that it was not. */
export const DIAL_JOB_DELAY_S = 3;

/** A place in the making ready of calls, kept for a call that is about to be stored. */
export interface DialPlace {
  /** Dials the stored call; what is known is as fresh as its transaction. */
  begin(known: KnownCall, jobId: string | null): void;
  /** Nothing was stored. Harmless after `begin`. */
  release(): void;
}

export interface DialHereOptions {
  jobs: Pick<JobQueue, 'remove'>;
  logger: Logger;
  /** How many more can be made ready now. */
  freeCount: () => number;
  dial: (known: KnownCall) => Promise<void>;
}

/** Begins to dial calls on the node that took them in, past the queue. */
export class DialHere {
  readonly #options: DialHereOptions;
  #promisedCount = 0;

  constructor(options: DialHereOptions) {
    this.#options = options;
  }

  /** Null: there is no room, so its job has to bring the call somewhere. */
  place(): DialPlace | null {
    if (this.#options.freeCount() <= this.#promisedCount) return null;
    this.#promisedCount++;
    let isOpen = true;
    const release = (): void => {
      if (isOpen) this.#promisedCount--;
      isOpen = false;
    };
    return {
      release,
      begin: (known, jobId) => {
        release();
        void this.#begin(known, jobId);
      },
    };
  }

  async #begin(known: KnownCall, jobId: string | null): Promise<void> {
    const { dial, jobs, logger } = this.#options;
    try {
      await dial(known);
      if (jobId !== null) await jobs.remove('call.dial', jobId);
    } catch (error) {
      logger.debug({ err: error, callId: known.call.id }, 'a call is left to its job');
    }
  }
}
