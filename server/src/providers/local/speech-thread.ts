import { once } from 'node:events';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { Clock, TimerHandle } from '../../shared/clock.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Backend, BackendChoice } from './onnx-runtime.ts';
import {
  NO_STATS,
  type LineMessage,
  type SpeechThreadData,
  type SpeechThreadKind,
  type SpeechThreadStats,
  type ThreadReport,
  type ThreadRequest,
} from './speech-protocol.ts';

export interface SpeechThreadOptions {
  kind: SpeechThreadKind;
  backend: BackendChoice;
  logger: Logger;
  clock: Clock;
}

/** A thread that lived this long was healthy: its end is not counted with those before. */
const HEALTHY_AFTER_MS = 60_000;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 10_000;
/** Longer than any utterance takes to be recognised. */
const END_LIMIT_MS = 3_000;

const ENTRY: Record<SpeechThreadKind, URL> = {
  vad: new URL('./vad-thread.ts', import.meta.url),
  stt: new URL('./stt-thread.ts', import.meta.url),
  tts: new URL('./tts-thread.ts', import.meta.url),
};

/** One inference thread, started again when it dies; its consumers get a new line each time. */
export class SpeechThread {
  readonly #options: SpeechThreadOptions;
  readonly #consumers = new Set<MessagePort>();
  readonly #pendingStats = new Map<number, (stats: SpeechThreadStats) => void>();
  #worker: Worker | undefined;
  #isReady = false;
  #isClosed = false;
  #backend: Backend = 'wasm';
  #loadMs = 0;
  #readyAtMs = 0;
  #failures = 0;
  #restarts = 0;
  #nextStatsId = 1;
  #restartTimer: TimerHandle | undefined;

  private constructor(options: SpeechThreadOptions) {
    this.#options = options;
  }

  /** Resolves when the models are loaded. Rejects when they cannot be. */
  static async start(options: SpeechThreadOptions): Promise<SpeechThread> {
    const thread = new SpeechThread(options);
    await thread.#spawn();
    return thread;
  }

  get backend(): Backend {
    return this.#backend;
  }

  get loadMs(): number {
    return this.#loadMs;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** A consumer's end; lines to the thread come over it. */
  connect(): MessagePort {
    const { port1: ours, port2: theirs } = new MessageChannel();
    this.#consumers.add(ours);
    // Consumers come and go; the service itself is what keeps the process alive.
    ours.on('close', () => void this.#consumers.delete(ours));
    ours.unref();
    if (this.#isReady) this.#sendLine(ours);
    return theirs;
  }

  /** Zeros while the thread is being restarted. */
  stats(): Promise<SpeechThreadStats> {
    if (!this.#isReady) return Promise.resolve({ ...NO_STATS });
    return new Promise((resolve) => {
      const id = this.#nextStatsId++;
      this.#pendingStats.set(id, resolve);
      this.#post({ type: 'stats', id });
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isReady = false;
    this.#restartTimer?.cancel();
    for (const consumer of this.#consumers) consumer.close();
    this.#consumers.clear();
    this.#settleStats();
    if (this.#worker) await this.#end(this.#worker);
  }

  /**
   * A thread that is terminated while the native runtime computes takes the whole process with it,
   * so it is asked to go between two jobs, and cut off only when it does not.
   */
  async #end(worker: Worker): Promise<void> {
    const limit = new AbortController();
    const ended = once(worker, 'exit').catch(() => undefined);
    this.#post({ type: 'close' });
    await Promise.race([
      ended,
      this.#options.clock.sleep(END_LIMIT_MS, limit.signal).catch(() => undefined),
    ]);
    limit.abort();
    await worker.terminate();
  }

  /** Settles when the thread is ready or has ended, whichever is first. */
  #spawn(): Promise<void> {
    const { kind, backend } = this.#options;
    const workerData: SpeechThreadData = { backend };
    const worker = new Worker(ENTRY[kind], { workerData, name: `speech-${kind}` });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      let failure: unknown;
      worker.on('message', (report: ThreadReport) => {
        if (report.type === 'stats') {
          this.#pendingStats.get(report.id)?.(report.stats);
          this.#pendingStats.delete(report.id);
          return;
        }
        this.#becomeReady(report.backend, report.loadMs);
        resolve();
      });
      worker.on('error', (error) => {
        failure = error;
      });
      worker.on('exit', (exitCode) => {
        const wasReady = this.#isReady;
        this.#isReady = false;
        if (this.#worker === worker) this.#worker = undefined;
        this.#settleStats();
        if (wasReady) this.#recover(failure, exitCode);
        else reject(new Error(`the ${kind} thread did not start`, { cause: failure }));
      });
    });
  }

  #becomeReady(backend: Backend, loadMs: number): void {
    if (this.#isClosed) return;
    this.#isReady = true;
    this.#backend = backend;
    this.#loadMs = loadMs;
    this.#readyAtMs = this.#options.clock.monotonicMs();
    for (const consumer of this.#consumers) this.#sendLine(consumer);
  }

  #recover(error: unknown, exitCode: number): void {
    if (this.#isClosed) return;
    const { kind, logger, clock } = this.#options;
    if (clock.monotonicMs() - this.#readyAtMs >= HEALTHY_AFTER_MS) this.#failures = 0;
    logger.error(
      { err: error, kind, exitCode },
      'an inference thread has ended; starting it again',
    );
    this.#restart();
  }

  #restart(): void {
    // The first time at once: callers are waiting.
    const pauseMs =
      this.#failures === 0 ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
    this.#failures++;
    this.#restartTimer = this.#options.clock.setTimer(pauseMs, () => {
      this.#restarts++;
      this.#spawn().catch((error: unknown) => {
        if (this.#isClosed) return;
        const { kind, logger } = this.#options;
        logger.error({ err: error, kind }, 'an inference thread does not start');
        this.#tellDown(`the ${kind} thread does not start`);
        this.#restart();
      });
    });
  }

  #sendLine(consumer: MessagePort): void {
    const { port1: line, port2: far } = new MessageChannel();
    this.#post({ type: 'connect', line: far }, [far]);
    const message: LineMessage = { type: 'line', line };
    consumer.postMessage(message, [line]);
  }

  #tellDown(message: string): void {
    const down: LineMessage = { type: 'down', message };
    for (const consumer of this.#consumers) consumer.postMessage(down);
  }

  #post(request: ThreadRequest, transfer: MessagePort[] = []): void {
    this.#worker?.postMessage(request, transfer);
  }

  #settleStats(): void {
    for (const resolve of this.#pendingStats.values()) resolve({ ...NO_STATS });
    this.#pendingStats.clear();
  }
}
