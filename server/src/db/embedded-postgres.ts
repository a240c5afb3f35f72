import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { makePrivateDirectory } from '../shared/private-directory.ts';
import { DatabaseStartError, explainStartFailure } from './database-start-error.ts';
import { takeDirectoryLock } from './directory-lock.ts';
import { choosePostgresAccount, type PostgresAccount } from './postgres-account.ts';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { createCluster, giveTo } from './postgres-cluster.ts';
import {
  adoptPostgres,
  spawnPostgres,
  type PostgresAddress,
  type PostgresProcess,
  type SpawnPostgresOptions,
} from './postgres-process.ts';
import { watchPostgres, type WatchedPostgres } from './postgres-watch.ts';

export interface EmbeddedPostgresOptions {
  /** Holds the cluster, its password and its log; created when missing. */
  directory: string;
  logger: Logger;
  clock: Clock;
  /** Told of steps that take a while. */
  onProgress?: (message: string) => void;
  /** Server settings beside ours, such as `fsync=off` for tests. */
  settings?: readonly string[];
  /** Programs to choose from. Default: those that npm brought, then the system's. */
  findBinaries?: () => Promise<PostgresBinaries[]>;
}

/** A PostgreSQL of our own on the loopback interface. */
export interface EmbeddedPostgres {
  /** Connection string of the database `trunkline`. */
  url: string;
  readonly port: number;
  /** Of the server that runs now: one that ends by itself is started again on the same port. */
  readonly pid: number;
  /** `adopted`: it was running already, left behind by a process that was killed. */
  origin: 'embedded' | 'system' | 'adopted';
  /** How it is run; null when adopted. */
  account: PostgresAccount['name'] | null;
  /** Fast stop: open transactions are rolled back. Resolves when the server is gone. */
  close(): Promise<void>;
}

/**
 * Starts PostgreSQL in `directory`, or adopts the one that a killed Trunkline left there. One
 * Trunkline per directory. Throws `DatabaseStartError`.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    makePrivateDirectory(options.directory, { enterable: true });
    const directory = await realpath(options.directory);
    const taken = await takeDirectoryLock(join(directory, 'lock'));
    if ('heldByPid' in taken) {
      throw new DatabaseStartError(
        'in-use',
        `another Trunkline (process ${taken.heldByPid}) uses ${directory}; stop it, or set TRUNKLINE_DATA_DIR to another directory`,
      );
    }
    try {
      return await startLocked({ ...options, directory }, () => taken.lock.release());
    } catch (error) {
      await taken.lock.release();
      throw error;
    }
  } catch (error) {
    throw explainStartFailure(error, options.directory);
  }
}

async function startLocked(
  options: EmbeddedPostgresOptions,
  release: () => Promise<void>,
): Promise<EmbeddedPostgres> {
  const { directory, clock, logger } = options;
  const clusterDir = join(directory, 'cluster');
  const logPath = join(directory, 'postgres.log');
  const exists = existsSync(join(clusterDir, 'PG_VERSION'));
  const password = await readPassword(directory, exists);

  async function launch(
    program: ChosenProgram,
    where: Pick<SpawnPostgresOptions, 'port' | 'signal'>,
  ): Promise<PostgresProcess> {
    await giveTo(clusterDir, program.account);
    return spawnPostgres({
      ...where,
      clusterDir,
      logPath,
      password,
      binDir: program.binaries.binDir,
      account: program.account,
      settings: options.settings ?? [],
      clock,
    });
  }

  const adopted = exists ? await adoptPostgres({ clusterDir, password, clock }) : null;
  let program: ChosenProgram | null = null;
  let server: PostgresProcess;
  if (adopted) {
    logger.info({ pid: adopted.pid, port: adopted.port }, 'adopted the running database');
    server = adopted;
  } else {
    program = await chooseProgram(options, clusterDir, exists);
    const { binaries, account } = program;
    const passwordPath = join(directory, 'password');
    await giveTo(passwordPath, account);
    if (!exists) {
      options.onProgress?.('Creating the database (first start only)');
      await createCluster({ directory, clusterDir, passwordPath, binaries, account });
    }
    server = await launch(program, { port: { preferred: await readPort(directory) } });
    await writeFile(join(directory, 'port'), `${server.port}\n`);
    logger.info(
      { pid: server.pid, port: server.port, version: binaries.major, account: account.name },
      'database started',
    );
  }
  const watched = watchPostgres({
    server,
    async restart(port, signal) {
      program ??= await chooseProgram(options, clusterDir, true);
      return launch(program, { port: { only: port }, signal });
    },
    logPath,
    clock,
    logger,
  });
  const url = connectionUrl({ port: server.port, password }, 'trunkline');
  const origin = adopted ? 'adopted' : (program?.binaries.origin ?? 'embedded');
  return toEmbedded(watched, { url, origin, account: program?.account.name ?? null }, release);
}

function toEmbedded(
  server: WatchedPostgres,
  facts: Pick<EmbeddedPostgres, 'url' | 'origin' | 'account'>,
  release: () => Promise<void>,
): EmbeddedPostgres {
  let closing: Promise<void> | null = null;
  return {
    ...facts,
    port: server.port,
    get pid() {
      return server.pid;
    },
    close() {
      closing ??= stopAndRelease(server, release);
      return closing;
    },
  };
}

async function stopAndRelease(
  server: WatchedPostgres,
  release: () => Promise<void>,
): Promise<void> {
  try {
    await server.stop();
  } finally {
    await release();
  }
}

/** Connection string of `database` on a server of ours. */
export function connectionUrl(address: PostgresAddress, database: string): string {
  return `postgres://trunkline:${address.password}@127.0.0.1:${address.port}/${database}?sslmode=disable`;
}

interface ChosenProgram {
  binaries: PostgresBinaries;
  account: PostgresAccount;
}

/** The first programs that fit the cluster's version and run under some account. */
async function chooseProgram(
  options: EmbeddedPostgresOptions,
  clusterDir: string,
  exists: boolean,
): Promise<ChosenProgram> {
  const all = await (options.findBinaries ?? findPostgresBinaries)();
  if (all.length === 0) {
    throw new DatabaseStartError(
      'no-binaries',
      `no PostgreSQL for ${process.platform}-${process.arch} is installed; set DATABASE_URL, or install PostgreSQL 15 or newer (Debian: apt-get install postgresql)`,
    );
  }
  const major = exists ? Number(await readFile(join(clusterDir, 'PG_VERSION'), 'utf8')) : null;
  const fitting = all.filter((binaries) => major === null || binaries.major === major);
  if (fitting.length === 0) {
    throw new DatabaseStartError(
      'wrong-version',
      `the database in ${clusterDir} was made by PostgreSQL ${major}, but only ${all.map((one) => one.major).join(', ')} is installed; install PostgreSQL ${major} or set DATABASE_URL`,
    );
  }
  const owner = exists ? await stat(clusterDir) : null;
  let refused: unknown;
  for (const binaries of fitting) {
    try {
      const account = await choosePostgresAccount(binaries.binDir, options.directory, owner);
      return { binaries, account };
    } catch (error) {
      refused ??= error;
    }
  }
  throw refused;
}

async function readPassword(directory: string, exists: boolean): Promise<string> {
  const path = join(directory, 'password');
  if (exists) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.trim() !== '') return text.trim();
    throw new DatabaseStartError(
      'start-failed',
      `the password of the database is missing from ${path}; restore the file from a backup`,
    );
  }
  const password = randomBytes(24).toString('base64url');
  await rm(path, { force: true });
  await writeFile(path, `${password}\n`, { mode: 0o600 });
  return password;
}

async function readPort(directory: string): Promise<number | null> {
  const text = await readFile(join(directory, 'port'), 'utf8').catch(() => '');
  const port = Number(text.trim());
  return Number.isInteger(port) && port > 1_023 && port < 65_536 ? port : null;
}
