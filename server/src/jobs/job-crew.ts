import type { Job, PgBoss } from 'pg-boss';

export interface JobCrewOptions {
  boss: Pick<PgBoss, 'work' | 'offWork' | 'notifyWorker'>;
  name: string;
  /** Jobs at once. */
  size: number;
  pollingIntervalSeconds: number;
  notifyPollingIntervalSeconds: number;
}

/**
 * Workers of one queue of which only one at a time looks for jobs: it calls the next to look as soon
 * as it has a job. With as many lookers as workers each notification would cost as many statements
 * as there are workers, of which all but one find nothing.
 */
export class JobCrew<Data extends object> {
  readonly #options: JobCrewOptions;
  readonly #run: (job: Job<Data>) => Promise<void>;
  /** Also those that leave and have not ended. */
  readonly #workers = new Set<string>();
  #busyCount = 0;
  #hasLooker = false;
  #closed = false;

  constructor(options: JobCrewOptions, run: (job: Job<Data>) => Promise<void>) {
    this.#options = options;
    this.#run = run;
  }

  /** Sends somebody to look for jobs, unless somebody does or all are busy. */
  async look(): Promise<void> {
    if (this.#closed || this.#hasLooker || this.#busyCount >= this.#options.size) return;
    this.#hasLooker = true;
    const { boss, name, pollingIntervalSeconds, notifyPollingIntervalSeconds } = this.#options;
    const worker = { id: '' };
    try {
      worker.id = await boss.work<Data>(
        name,
        { batchSize: 1, localConcurrency: 1, pollingIntervalSeconds, notifyPollingIntervalSeconds },
        (jobs) => this.#work(worker, jobs),
      );
    } catch (error) {
      this.#hasLooker = false;
      throw error;
    }
    this.#workers.add(worker.id);
    if (this.#closed) await this.#dismiss(worker.id);
  }

  async #work(worker: { id: string }, jobs: Job<Data>[]): Promise<void> {
    this.#hasLooker = false;
    this.#busyCount++;
    // The queue may be closing: this job is run all the same.
    await this.look().catch(() => undefined);
    try {
      for (const job of jobs) await this.#run(job);
    } finally {
      this.#busyCount--;
      // One that has worked looks on at once when nobody else does, and leaves otherwise.
      if (this.#hasLooker) void this.#dismiss(worker.id);
      else {
        this.#hasLooker = true;
        this.#options.boss.notifyWorker(worker.id);
      }
    }
  }

  async #dismiss(id: string): Promise<void> {
    await this.#options.boss.offWork(this.#options.name, { id, wait: true });
    this.#workers.delete(id);
  }

  /** Looks for no more jobs; resolves when those that run have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#workers].map((id) => this.#dismiss(id)));
  }
}
