import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Clock } from '../shared/clock.ts';
import { DatabaseStartError } from './database-start-error.ts';
import { isProcessAlive, readProc } from './directory-lock.ts';
import type { PostgresAccount } from './postgres-account.ts';

/** Crash recovery of a large database takes a while. */
const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 25;
const ADOPTED_POLL_MS = 500;
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

/** How a server ended; nulls where nobody can tell. */
export interface PostgresEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running server that is ours to stop. */
export interface PostgresProcess {
  pid: number;
  port: number;
  /** Resolves when the process is gone, whoever ended it. */
  ended: Promise<PostgresEnd>;
  stop(): Promise<void>;
}

export interface SpawnPostgresOptions {
  clusterDir: string;
  logPath: string;
  /** `preferred`: another where it is taken; null for any. `only`: where connections point already. */
  port: { preferred: number | null } | { only: number };
  /** Gives the start up. */
  signal?: AbortSignal;
  password: string;
  binDir: string;
  account: PostgresAccount;
  settings: readonly string[];
  clock: Clock;
}

/** Starts the server and resolves when it answers queries and has the database `trunkline`. */
export async function spawnPostgres(options: SpawnPostgresOptions): Promise<PostgresProcess> {
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port, attempt);
    try {
      return await spawnOnce(options, port);
    } catch (error) {
      // Somebody took the port meanwhile, or the last child of a killed server is still ending.
      const passing = /could not bind|could not create any TCP|pre-existing shared memory/i;
      if (attempt === START_ATTEMPTS || !passing.test(String(error))) throw error;
      await options.clock.sleep(500, options.signal);
    }
  }
}

async function spawnOnce(options: SpawnPostgresOptions, port: number): Promise<PostgresProcess> {
  const { account, clock, clusterDir } = options;
  const program = join(options.binDir, 'postgres');
  const settings = [...SETTINGS, ...options.settings].flatMap((setting) => ['-c', setting]);
  const args = ['-D', clusterDir, '-p', `${port}`, ...settings];
  const [first, ...rest] = [...account.prefix, program, ...args];
  options.signal?.throwIfAborted();
  // A restart keeps what the server said before it ended.
  const log = await open(options.logPath, 'only' in options.port ? 'a' : 'w', 0o600);
  const { size: logStart } = await log.stat();
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
  const ended = new Promise<PostgresEnd>((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    if (child.pid === undefined || hasEnded()) return;
    child.kill('SIGINT');
    const timer = clock.setTimer(STOP_TIMEOUT_MS, () => void child.kill('SIGQUIT'));
    await ended;
    timer.cancel();
  };
  try {
    const hasFailed = (): boolean =>
      child.pid === undefined || hasEnded() || options.signal?.aborted === true;
    await waitUntilReady({ port, password: options.password }, clock, hasFailed);
  } catch (error) {
    const log = await readFile(options.logPath).catch(() => Buffer.alloc(0));
    const text = log.subarray(logStart).toString('utf8');
    await stop();
    throw text.trim() === '' ? error : new Error(text, { cause: error });
  }
  return { pid: child.pid ?? 0, port, ended, stop };
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
      return adopt(found.pid, found.port, clock);
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

function adopt(pid: number, port: number, clock: Clock): PostgresProcess {
  // Nobody tells us of the end of a process that is not our child.
  const ended = (async (): Promise<PostgresEnd> => {
    while (isProcessAlive(pid)) await clock.sleep(ADOPTED_POLL_MS);
    return { code: null, signal: null };
  })();
  return { pid, port, ended, stop: () => stopByPid(pid, clock) };
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

async function choosePort(wish: SpawnPostgresOptions['port'], attempt: number): Promise<number> {
  if ('only' in wish) return wish.only;
  const preferred = attempt === 1 && wish.preferred !== null ? await tryPort(wish.preferred) : null;
  return preferred ?? (await tryPort(0)) ?? 0;
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
