import { randomUUID } from 'node:crypto';
import { PgBoss, type Db, type Job, type SendOptions } from 'pg-boss';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Logger } from '../shared/logger.ts';
import { JobCrew } from './job-crew.ts';

/** Job kinds and their data. Other folders add theirs by declaration merging. */
export interface JobMap {
  'call.dial': { callId: string };
  'call.post': { callId: string };
}

export type JobName = keyof JobMap;

export interface SendJobOptions {
  /** Open transaction: the job exists when it commits, and never when it does not. */
  client?: Queryable;
  /** Not before. Default now. Seconds count from now by the database's clock. */
  startAfter?: Date | number;
  /** While a job of this key waits or runs, another is not added. */
  singletonKey?: string;
  /** Redeliveries after a failure or a dead worker. Default that of the queue. */
  retryLimit?: number;
  /** Higher goes first. Default 0. */
  priority?: number;
}

export interface QueueOptions {
  /** Time that one run may take before the job is given to another worker. Default 30. */
  expireInSeconds?: number;
  /** Default 10: redelivery is harmless by design, so be generous. */
  retryLimit?: number;
  /** Default 1. */
  retryDelaySeconds?: number;
  /** Whether the delay doubles with each retry. Default false. */
  retryBackoff?: boolean;
}

export interface WorkJobOptions {
  /** Jobs of this name that run here at once. Default 10. */
  concurrency?: number;
}

/** One delivery. The same job may be delivered again: what it does must bear that. */
export interface DeliveredJob<Name extends JobName> {
  id: string;
  name: Name;
  data: JobMap[Name];
  /** 0 at the first delivery. */
  retryCount: number;
}

/** Aborted when the job has expired, or when the queue is closed and cannot wait. */
export type JobHandler<Name extends JobName> = (
  job: DeliveredJob<Name>,
  signal: AbortSignal,
) => Promise<void>;

/** Durable jobs in the same PostgreSQL as the data that they are about. */
export interface JobQueue {
  /** Makes the queue of a job kind, or changes its options; `send` and `work` make it by default. */
  createQueue(name: JobName, options?: QueueOptions): Promise<void>;
  /** The new job's id, or null when its singleton key is taken. */
  send<Name extends JobName>(
    name: Name,
    data: JobMap[Name],
    options?: SendJobOptions,
  ): Promise<string | null>;
  /** Takes a job away, also one that runs: its end is nobody's business any more. */
  remove(name: JobName, jobId: string, options?: { client?: Queryable }): Promise<void>;
  /** Runs `handler` for each job; one that throws is delivered again. Returns a function that ends it. */
  work<Name extends JobName>(
    name: Name,
    options: WorkJobOptions,
    handler: JobHandler<Name>,
  ): Promise<() => Promise<void>>;
  /** Takes no new jobs; `graceful` (default) lets running ones end for up to `timeoutMs` (30,000). */
  close(options?: { graceful?: boolean; timeoutMs?: number }): Promise<void>;
}

export interface StartJobsOptions {
  /** Connection string: the queue has connections of its own. */
  url: string;
  logger: Logger;
  /** Connections at most. Default 8. */
  maxConnections?: number;
}

const QUEUE_DEFAULTS: Required<QueueOptions> = {
  expireInSeconds: 30,
  retryLimit: 10,
  retryDelaySeconds: 1,
  retryBackoff: false,
};
/** The smallest that pg-boss takes: a dead worker's job comes back after this and supervision. */
const HEARTBEAT_SECONDS = 10;
const SUPERVISE_SECONDS = 2;
/** The floor where NOTIFY does not reach, such as through PgBouncer. */
const POLL_SECONDS = 0.5;
/** Nothing notifies when the delay of a job or of a retry is over. */
const NOTIFIED_POLL_SECONDS = 2;

/** Connects to the queue and makes its tables when they are missing. */
export async function startJobs(options: StartJobsOptions): Promise<JobQueue> {
  const { logger } = options;
  const boss = new PgBoss({
    connectionString: options.url,
    application_name: 'trunkline-jobs',
    max: options.maxConnections ?? 8,
    useListenNotify: true,
    superviseIntervalSeconds: SUPERVISE_SECONDS,
    monitorIntervalSeconds: SUPERVISE_SECONDS,
    // Nothing is scheduled by cron here.
    schedule: false,
  });
  // Without a listener the first lost connection would end the program; pg-boss connects again.
  boss.on('error', (err) => logger.warn({ err }, 'job queue error'));
  boss.on('warning', (warning) => logger.debug({ warning }, 'job queue warning'));
  await boss.start();
  return new BossQueue(boss, logger);
}

class BossQueue implements JobQueue {
  readonly #boss: PgBoss;
  readonly #logger: Logger;
  readonly #queues = new Map<JobName, Promise<void>>();
  readonly #abort = new AbortController();
  #closing: Promise<void> | null = null;

  constructor(boss: PgBoss, logger: Logger) {
    this.#boss = boss;
    this.#logger = logger;
  }

  createQueue(name: JobName, options: QueueOptions = {}): Promise<void> {
    const made = this.#makeQueue(name, options);
    this.#queues.set(name, made);
    // A failure is the caller's to see; the next use tries again.
    made.catch(() => this.#queues.delete(name));
    return made;
  }

  async #makeQueue(name: JobName, options: QueueOptions): Promise<void> {
    const { retryDelaySeconds, ...rest } = { ...QUEUE_DEFAULTS, ...options };
    const settings = {
      ...rest,
      retryDelay: retryDelaySeconds,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      notify: true,
    };
    // `exclusive`: at most one job that waits or runs per singleton key. The only policy whose key
    // holds while the job runs.
    await this.#boss.createQueue(name, { ...settings, policy: 'exclusive' });
    await this.#boss.updateQueue(name, settings);
  }

  #ensureQueue(name: JobName): Promise<void> {
    return this.#queues.get(name) ?? this.createQueue(name);
  }

  async send<Name extends JobName>(
    name: Name,
    data: JobMap[Name],
    options: SendJobOptions = {},
  ): Promise<string | null> {
    await this.#ensureQueue(name);
    const { client, ...rest } = options;
    const settings: SendOptions = {
      ...rest,
      // Jobs without a key would share the empty one and exclude each other.
      singletonKey: options.singletonKey ?? randomUUID(),
      ...(client && { db: onTransaction(client) }),
    };
    return this.#boss.send(name, data, settings);
  }

  async remove(
    name: JobName,
    jobId: string,
    { client }: { client?: Queryable } = {},
  ): Promise<void> {
    await this.#boss.deleteJob(name, jobId, client ? { db: onTransaction(client) } : {});
  }

  async work<Name extends JobName>(
    name: Name,
    options: WorkJobOptions,
    handler: JobHandler<Name>,
  ): Promise<() => Promise<void>> {
    await this.#ensureQueue(name);
    const crew = new JobCrew<JobMap[Name]>(
      {
        boss: this.#boss,
        name,
        size: options.concurrency ?? 10,
        pollingIntervalSeconds: POLL_SECONDS,
        notifyPollingIntervalSeconds: NOTIFIED_POLL_SECONDS,
      },
      (job) => this.#deliver(name, job, handler),
    );
    await crew.look();
    return () => crew.close();
  }

  async #deliver<Name extends JobName>(
    name: Name,
    job: Job<JobMap[Name]>,
    handler: JobHandler<Name>,
  ): Promise<void> {
    const delivered = { id: job.id, name, data: job.data, retryCount: job.retryCount };
    try {
      await handler(delivered, AbortSignal.any([job.signal, this.#abort.signal]));
    } catch (error) {
      const fields = { job: name, jobId: job.id, retryCount: job.retryCount, err: error };
      this.#logger.warn(fields, 'job failed; it is delivered again');
      throw error;
    }
  }

  close(options: { graceful?: boolean; timeoutMs?: number } = {}): Promise<void> {
    const { graceful = true, timeoutMs = 30_000 } = options;
    if (!graceful) this.#abort.abort(new Error('the job queue was closed'));
    this.#closing ??= this.#boss.stop({ graceful, timeout: timeoutMs, close: true });
    return this.#closing;
  }
}

function onTransaction(client: Queryable): Db {
  return { executeSql: (text, values) => client.query(text, values) };
}
