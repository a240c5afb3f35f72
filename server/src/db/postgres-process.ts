import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { DatabaseStartError } from './database-start-error.ts';
import { isProcessAlive, readProc } from './directory-lock.ts';
import type { PostgresAccount } from './postgres-account.ts';

/** Crash recovery of a large database takes a while. */
const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 25;
const START_ATTEMPTS = 5;

/** Few and small: one program uses it, on the machine that also moves audio. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'shared_buffers=64MB',
  // Not the statements that failed: they may hold phone numbers.
  'log_min_messages=log',
  'log_min_error_statement=panic',
  'log_checkpoints=off',
];

export interface PostgresAddress {
  port: number;
  password: string;
}

/** A running server that is ours to stop. */
export interface PostgresProcess {
  pid: number;
  port: number;
  stop(): Promise<void>;
}

export interface SpawnPostgresOptions {
  clusterDir: string;
  logPath: string;
  preferredPort: number | null;
  password: string;
  binDir: string;
  account: PostgresAccount;
  settings: readonly string[];
  clock: Clock;
  logger: Logger;
}

/** Starts the server and resolves when it answers queries and has the database `trunkline`. */
export async function spawnPostgres(options: SpawnPostgresOptions): Promise<PostgresProcess> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(attempt === 1 ? options.preferredPort : null);
    try {
      return await spawnOnce(options, port);
    } catch (error) {
      // Somebody took the port meanwhile, or the last child of a killed server is still ending.
      const passing = /could not bind|could not create any TCP|pre-existing shared memory/i;
      if (attempt === START_ATTEMPTS || !passing.test(String(error))) throw error;
      await options.clock.sleep(500);
    }
  }
}

async function spawnOnce(options: SpawnPostgresOptions, port: number): Promise<PostgresProcess> {
  const { account, clock, clusterDir } = options;
  const program = join(options.binDir, 'postgres');
  const settings = [...SETTINGS, ...options.settings].flatMap((setting) => ['-c', setting]);
  const args = ['-D', clusterDir, '-p', `${port}`, ...settings];
  const [first, ...rest] = [...account.prefix, program, ...args];
  const log = await open(options.logPath, 'w', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(first as string, rest, {
      ...account.spawnOptions,
      cwd: clusterDir,
      stdio: ['ignore', log.fd, log.fd],
      // Control-C in the terminal must reach Trunkline only: calls are finished before the stop.
      detached: true,
    });
  } finally {
    await log.close();
  }
  let stopping = false;
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', (code, signal) => {
      if (!stopping) options.logger.error({ code, signal }, 'the database server ended');
      resolve();
    });
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    stopping = true;
    if (child.pid === undefined || hasEnded()) return;
    child.kill('SIGINT');
    const timer = clock.setTimer(STOP_TIMEOUT_MS, () => void child.kill('SIGQUIT'));
    await exited;
    timer.cancel();
  };
  try {
    const hasFailed = (): boolean => child.pid === undefined || hasEnded();
    await waitUntilReady({ port, password: options.password }, clock, hasFailed);
  } catch (error) {
    stopping = true;
    const text = await readFile(options.logPath, 'utf8').catch(() => '');
    await stop();
    throw text.trim() === '' ? error : new Error(text, { cause: error });
  }
  return { pid: child.pid ?? 0, port, stop };
}

async function waitUntilReady(
  address: PostgresAddress,
  clock: Clock,
  hasFailed: () => boolean,
): Promise<void> {
  const deadline = clock.monotonicMs() + READY_TIMEOUT_MS;
  for (;;) {
    if (hasFailed()) throw new Error('the server ended while starting');
    try {
      await ensureDatabase(address);
      return;
    } catch (error) {
      if (!isPassing(error) || clock.monotonicMs() > deadline) throw error;
    }
    await clock.sleep(POLL_MS);
  }
}

/** Not listening yet, starting up, or shutting down. */
function isPassing(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return (
    ['ECONNREFUSED', 'ECONNRESET', '57P03', '57P01', '57P02'].includes(code) ||
    /Connection terminated/.test(String(error))
  );
}

async function ensureDatabase(address: PostgresAddress): Promise<void> {
  await withClient(address, async (client) => {
    const { rowCount } = await client.query(
      `select 1 from pg_database where datname = 'trunkline'`,
    );
    if (!rowCount) await client.query('create database trunkline');
  });
}

async function withClient<T>(
  address: PostgresAddress,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    host: '127.0.0.1',
    port: address.port,
    user: 'trunkline',
    password: address.password,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: 10_000,
  });
  // A server that is going away ends idle clients too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * The server that runs in `clusterDir` already, or null when there is none (a stale lock file of a
 * pid that now belongs to another program is removed).
 */
export async function adoptPostgres(options: {
  clusterDir: string;
  password: string;
  clock: Clock;
}): Promise<PostgresProcess | null> {
  const { clusterDir, password, clock } = options;
  const pidPath = join(clusterDir, 'postmaster.pid');
  const deadline = clock.monotonicMs() + STOP_TIMEOUT_MS;
  for (;;) {
    const found = await readPostmaster(pidPath);
    if (!found || !isProcessAlive(found.pid)) return null;
    if (!looksLikePostgres(found.pid)) {
      await rm(pidPath, { force: true });
      return null;
    }
    try {
      await ensureOurs({ port: found.port, password }, clusterDir);
      return { pid: found.pid, port: found.port, stop: () => stopByPid(found.pid, clock) };
    } catch (error) {
      if (!isPassing(error) || clock.monotonicMs() > deadline) {
        throw new DatabaseStartError(
          'in-use',
          `a PostgreSQL that does not answer to us (process ${found.pid}) runs in ${clusterDir}; stop it first`,
          { cause: error },
        );
      }
    }
    await clock.sleep(POLL_MS);
  }
}

async function ensureOurs(address: PostgresAddress, clusterDir: string): Promise<void> {
  await withClient(address, async (client) => {
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    if (rows[0]?.data_directory !== clusterDir) throw new Error('another data directory');
  });
  await ensureDatabase(address);
}

async function readPostmaster(path: string): Promise<{ pid: number; port: number } | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return Number.isInteger(pid) && pid > 1 ? { pid, port: Number.isInteger(port) ? port : 0 } : null;
}

/** True where the kernel does not tell. */
function looksLikePostgres(pid: number): boolean {
  const command = readProc(`/proc/${pid}/cmdline`);
  return command === '' || /postgres|postmaster/.test(command);
}

async function stopByPid(pid: number, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + STOP_TIMEOUT_MS;
  let signal: NodeJS.Signals = 'SIGINT';
  while (isProcessAlive(pid)) {
    if (signal === 'SIGINT') process.kill(pid, signal);
    else if (clock.monotonicMs() > deadline) process.kill(pid, 'SIGQUIT');
    signal = 'SIGQUIT';
    await clock.sleep(POLL_MS);
  }
}

/** `preferred` when it is free, else any free port. */
async function freePort(preferred: number | null): Promise<number> {
  return (preferred === null ? null : await tryPort(preferred)) ?? (await tryPort(0)) ?? 0;
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address && typeof address === 'object' ? address.port : null));
    });
  });
}
