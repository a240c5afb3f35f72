import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { RpcEndpoint } from '../../shared/worker-rpc.ts';
import type { JobQueue } from './job-queue.ts';
import type { Backend } from './onnx-runtime.ts';
import type {
  JobProcedures,
  SpeechThreadData,
  SpeechThreadStats,
  ThreadReport,
  ThreadRequest,
} from './speech-protocol.ts';

/** What an inference thread does once its models are loaded. */
export interface ThreadBody {
  backend: Backend;
  connect(line: MessagePort): void;
  stats(): SpeechThreadStats;
}

/** The life of an inference thread: load, report, then serve lines to consumers. */
export async function serveThread(
  load: (data: SpeechThreadData) => Promise<ThreadBody>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('an inference thread runs in a worker only');
  const report = (message: ThreadReport): void => port.postMessage(message);
  const startedMs = performance.now();
  const body = await load(workerData as SpeechThreadData);
  port.on('message', (request: ThreadRequest) => {
    if (request.type === 'connect') body.connect(request.line);
    // Here, between two jobs, nothing native is running.
    else if (request.type === 'close') process.exit();
    else report({ type: 'stats', id: request.id, stats: body.stats() });
  });
  report({ type: 'ready', backend: body.backend, loadMs: performance.now() - startedMs });
}

/** Serves one consumer's jobs; those that it no longer wants, or that outlive it, are aborted. */
export function serveJobs<Args, Result>(
  line: MessagePort,
  queue: JobQueue,
  perform: (work: Args, signal: AbortSignal) => Promise<Result> | Result,
): RpcEndpoint<JobProcedures<Args, Result>, Record<string, never>> {
  const jobs = new Map<number, AbortController>();
  const procedures: JobProcedures<Args, Result> = {
    run: async ({ jobId, priority, work }) => {
      const controller = new AbortController();
      jobs.set(jobId, controller);
      try {
        const { signal } = controller;
        return await queue.run(priority, signal, () => perform(work, signal));
      } finally {
        jobs.delete(jobId);
      }
    },
    cancel: ({ jobId }) => jobs.get(jobId)?.abort(),
  };
  const endpoint = new RpcEndpoint<JobProcedures<Args, Result>, Record<string, never>>(
    line,
    procedures,
  );
  line.on('close', () => {
    endpoint.close();
    for (const controller of jobs.values()) controller.abort();
  });
  return endpoint;
}
