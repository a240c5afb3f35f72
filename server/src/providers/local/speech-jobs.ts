import type { MessagePort } from 'node:worker_threads';
import { RpcEndpoint } from '../../shared/worker-rpc.ts';
import { ProviderError } from '../provider-error.ts';
import { SpeechLine } from './speech-line.ts';
import type { JobProcedures } from './speech-protocol.ts';

/** Jobs that wait for a thread's restart, beyond which they are refused. */
const MAX_WAITING_FOR_LINE = 64;
const BUSY = /^busy:/;

export interface JobOptions {
  priority: number;
  signal: AbortSignal;
  /** Buffers of `work` that move instead of being copied. */
  transfer?: readonly ArrayBuffer[];
}

interface Job<Args, Result> extends JobOptions {
  jobId: number;
  work: Args;
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

type Endpoint<Args, Result> = RpcEndpoint<Record<string, never>, JobProcedures<Args, Result>>;

/** Jobs for one kind of inference threads; each goes to the thread with the fewest of ours. */
export class SpeechJobs<Args, Result> {
  readonly #threads: JobThread<Args, Result>[];

  constructor(provider: string, ports: readonly MessagePort[]) {
    this.#threads = ports.map((port) => new JobThread(provider, port));
  }

  /** Rejects with ProviderError, or the signal's reason. */
  run(work: Args, options: JobOptions): Promise<Result> {
    const usable = this.#threads.filter((thread) => thread.downError === undefined);
    const [first, ...others] = usable.length > 0 ? usable : this.#threads;
    if (first === undefined) throw new Error('there are no inference threads');
    let best = first;
    for (const thread of others) if (thread.load < best.load) best = thread;
    return best.run(work, options);
  }

  close(): void {
    for (const thread of this.#threads) thread.close();
  }
}

class JobThread<Args, Result> {
  readonly #provider: string;
  readonly #line: SpeechLine;
  readonly #unsettled = new Set<Job<Args, Result>>();
  readonly #waiting: Job<Args, Result>[] = [];
  #endpoint: Endpoint<Args, Result> | undefined;
  #nextJobId = 1;
  downError: ProviderError | undefined;

  constructor(provider: string, port: MessagePort) {
    this.#provider = provider;
    this.#line = new SpeechLine(port, provider, {
      opened: (line) => this.#opened(line),
      lost: (error) => this.#lost(error),
      down: (error) => this.#down(error),
    });
    this.#line.receiveNow();
  }

  /** A thread that is being restarted comes last. */
  get load(): number {
    return this.#unsettled.size + (this.#endpoint === undefined ? MAX_WAITING_FOR_LINE : 0);
  }

  run(work: Args, options: JobOptions): Promise<Result> {
    const { signal } = options;
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.downError !== undefined) return Promise.reject(this.downError);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        signal.removeEventListener('abort', onAbort);
        this.#unsettled.delete(job);
      };
      const job: Job<Args, Result> = {
        ...options,
        jobId: this.#nextJobId++,
        work,
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const onAbort = (): void => {
        const at = this.#waiting.indexOf(job);
        if (at >= 0) this.#waiting.splice(at, 1);
        this.#endpoint?.cast('cancel', { jobId: job.jobId });
        job.reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#unsettled.add(job);
      this.#startOrWait(job);
    });
  }

  close(): void {
    this.#line.close();
  }

  #startOrWait(job: Job<Args, Result>): void {
    if (this.#endpoint !== undefined) this.#send(this.#endpoint, job);
    else if (this.#waiting.length < MAX_WAITING_FOR_LINE) this.#waiting.push(job);
    else job.reject(this.#error('busy: the inference thread is being restarted', true));
  }

  #send(endpoint: Endpoint<Args, Result>, job: Job<Args, Result>): void {
    const { jobId, priority, work } = job;
    endpoint.call('run', { jobId, priority, work }, job.transfer).then(
      (result) => job.resolve(result as Result),
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        job.reject(this.#error(message, BUSY.test(message), error));
      },
    );
  }

  #opened(line: MessagePort): void {
    this.downError = undefined;
    const endpoint: Endpoint<Args, Result> = new RpcEndpoint(line, {});
    this.#endpoint = endpoint;
    for (const job of this.#waiting.splice(0)) this.#send(endpoint, job);
  }

  #lost(error: ProviderError): void {
    // Ours first: what the endpoint rejects with would not say that another try may help.
    for (const job of Array.from(this.#unsettled)) job.reject(error);
    this.#endpoint?.close();
    this.#endpoint = undefined;
  }

  #down(error: ProviderError): void {
    this.downError = error;
    for (const job of this.#waiting.splice(0)) job.reject(error);
  }

  #error(message: string, retryable: boolean, cause?: unknown): ProviderError {
    return new ProviderError(this.#provider, message, { retryable, cause });
  }
}
