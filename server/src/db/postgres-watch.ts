import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { PostgresProcess } from './postgres-process.ts';

/** Ends within the window after which starting again is pointless. */
const MAX_ENDS = 6;
const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/**
 * How long to wait before the server is started again, or null to give up. `endsMs` says when it
 * ended or failed to start, the latest last.
 */
export function restartDelayMs(endsMs: readonly number[]): number | null {
  const latest = endsMs.at(-1) ?? 0;
  const recent = endsMs.filter((endMs) => latest - endMs < WINDOW_MS);
  if (recent.length >= MAX_ENDS) return null;
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, recent.length - 1), MAX_DELAY_MS);
}

export interface WatchPostgresOptions {
  /** The running server. */
  server: PostgresProcess;
  /** Starts another on the same files and the same port. Rejects when it does not start. */
  restart: (port: number, signal: AbortSignal) => Promise<PostgresProcess>;
  /** Where the server's own words are; named when we give up. */
  logPath: string;
  clock: Clock;
  logger: Logger;
}

/** A server that is started again whenever it ends by itself. */
export interface WatchedPostgres {
  /** Of the server that ran last. */
  readonly pid: number;
  readonly port: number;
  /** Stops the server for good. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts the server again, on its port, when something outside ends it: committed data is safe in
 * its log, and those who hold connections connect again by themselves.
 */
export function watchPostgres(options: WatchPostgresOptions): WatchedPostgres {
  const { clock, logger } = options;
  const { port } = options.server;
  const closing = new AbortController();
  const endsMs: number[] = [];
  let server = options.server;

  /** Resolves when a server runs again, when there will be none, or when we are closed. */
  async function startAgain(): Promise<void> {
    for (;;) {
      endsMs.push(clock.monotonicMs());
      endsMs.splice(0, endsMs.length - MAX_ENDS);
      const delayMs = restartDelayMs(endsMs);
      if (delayMs === null) return giveUp();
      try {
        await clock.sleep(delayMs, closing.signal);
        server = await options.restart(port, closing.signal);
        logger.warn({ pid: server.pid, port }, 'the database server runs again');
        return;
      } catch (err) {
        if (closing.signal.aborted) return;
        logger.error({ err }, 'the database server did not start again');
      }
    }
  }

  function giveUp(): void {
    const seconds = WINDOW_MS / 1_000;
    logger.error(
      { ends: MAX_ENDS, logPath: options.logPath },
      `the database server ended ${MAX_ENDS} times within ${seconds} s and is not started again: ` +
        `see ${options.logPath}, then start Trunkline again`,
    );
    closing.abort();
  }

  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      const cause = await server.ended;
      if (closing.signal.aborted) return;
      logger.error({ ...cause, pid: server.pid }, 'the database server ended; starting it again');
      await startAgain();
    }
  }

  const watching = watch();
  let stopping: Promise<void> | null = null;
  return {
    get pid() {
      return server.pid;
    },
    port,
    stop() {
      stopping ??= (async () => {
        closing.abort();
        await server.stop();
        // A restart under way may have made one more.
        await watching;
        await server.stop();
      })();
      return stopping;
    },
  };
}
