import { Worker } from 'node:worker_threads';
import type { Logger } from '../shared/logger.ts';
import { WorkerLink, type WorkerLinkOptions } from './worker-link.ts';
import type { AskHost } from './agent-request.ts';
import type { VoiceCallHandle } from './voice-call-handle.ts';
import type { OpenCall, VoiceCallEvent, VoiceWorkerStats } from './worker-protocol.ts';

export type { VoiceCallHandle };

/** The voice workers, seen from the main thread. */
export interface VoicePool {
  /** Calls that are open or being opened. */
  readonly liveCount: number;
  /**
   * Makes an agent ready on the least busy worker. Rejects when it cannot be made ready.
   * @param onEvent what happens in the call, in order, from now to `close`. When the worker dies it
   *   is `end-requested` with reason `voice-worker-crashed`.
   * @param onRequest does what the agent cannot do by itself. Default: nothing.
   */
  open(
    call: OpenCall,
    onEvent: (event: VoiceCallEvent) => void,
    onRequest?: AskHost,
  ): Promise<VoiceCallHandle>;
  /** One entry a worker. */
  stats(): Promise<VoiceWorkerStats[]>;
  /** Ends every call and every worker. Idempotent. */
  close(): Promise<void>;
}

export interface VoicePoolOptions extends Omit<
  WorkerLinkOptions,
  'rtp' | 'startWorker' | 'hostOf'
> {
  /** Threads; each is good for about 250 calls. Default 1. */
  workers?: number;
  /** Even ports from `portMin` to `portMax`, shared out evenly among the workers. */
  rtp: { host: string; portMin: number; portMax: number };
  logger: Logger;
}

/** Starts the worker threads; resolves when all of them serve. */
export async function startVoicePool(options: VoicePoolOptions): Promise<VoicePool> {
  const count = options.workers ?? 1;
  const links: WorkerLink[] = Array.from(
    { length: count },
    (_, index) =>
      new WorkerLink({
        ...options,
        rtp: portShare(options.rtp, index, count),
        logger: options.logger.child({ voiceWorker: index }),
        hostOf: (roomId) => links.find((link) => link.usable && link.hasRoom(roomId)),
        startWorker: (workerData, transferList) =>
          new Worker(new URL('./voice-worker.ts', import.meta.url), {
            workerData,
            transferList,
            name: `voice-${index}`,
          }),
      }),
  );
  try {
    await Promise.all(links.map((link) => link.ready()));
  } catch (error) {
    await Promise.all(links.map((link) => link.close()));
    throw error;
  }
  let closed: Promise<void> | undefined;
  return {
    get liveCount() {
      return links.reduce((sum, link) => sum + link.liveCount, 0);
    },
    open(call, onEvent, onRequest) {
      if (closed !== undefined) return Promise.reject(new Error('the voice pool is closed'));
      const usable = links.filter((link) => link.usable);
      const roomId = call.room?.id;
      const link =
        (roomId === undefined ? undefined : usable.find((one) => one.hasRoom(roomId))) ??
        usable.sort((a, b) => a.liveCount - b.liveCount)[0];
      if (!link) return Promise.reject(new Error('no voice worker is running'));
      return link.open(call, onEvent, onRequest);
    },
    stats: () => Promise.all(links.filter((link) => link.usable).map((link) => link.stats())),
    close() {
      closed ??= Promise.all(links.map((link) => link.close())).then(() => undefined);
      return closed;
    },
  };
}

/** The `index`th of `count` equal parts of a port range, each beginning at an even port. */
export function portShare(
  range: { host: string; portMin: number; portMax: number },
  index: number,
  count: number,
): { host: string; portMin: number; portMax: number } {
  const first = range.portMin + (range.portMin % 2);
  const pairs = Math.floor((range.portMax - first + 1) / 2);
  const from = Math.floor((pairs * index) / count);
  const to = Math.floor((pairs * (index + 1)) / count);
  return { host: range.host, portMin: first + from * 2, portMax: first + to * 2 - 1 };
}
