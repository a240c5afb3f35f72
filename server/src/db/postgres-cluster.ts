import { execFile } from 'node:child_process';
import { lchown, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresAccount } from './postgres-account.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

const run = promisify(execFile);

export interface ClusterOptions {
  directory: string;
  clusterDir: string;
  passwordPath: string;
  binaries: PostgresBinaries;
  account: PostgresAccount;
}

/**
 * Runs initdb. The cluster gets its name only when it is complete, so that an interrupted first
 * start is simply done again.
 */
export async function createCluster(options: ClusterOptions): Promise<void> {
  const { account, clusterDir } = options;
  const draft = `${clusterDir}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await giveTo(draft, account);
  const args = ['-D', draft, '-U', 'trunkline', '--pwfile', options.passwordPath];
  const settings = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions'];
  const program = join(options.binaries.binDir, 'initdb');
  const [first, ...rest] = [...account.prefix, program, ...args, ...settings];
  try {
    await run(first as string, rest, { ...account.spawnOptions, cwd: options.directory });
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const { stderr } = error as { stderr?: string };
    throw stderr ? new Error(stderr, { cause: error }) : error;
  }
  await rename(draft, clusterDir);
}

/** Makes the account the owner of `path` and of all that is below it. Only root can, and needs to. */
export async function giveTo(path: string, account: PostgresAccount): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const info = await lstat(path);
  // The top is changed last: when it has the right owner, so has everything below.
  if (info.uid === account.ownerUid && info.gid === account.ownerGid) return;
  if (info.isDirectory()) {
    for (const name of await readdir(path)) await giveTo(join(path, name), account);
  }
  await lchown(path, account.ownerUid, account.ownerGid);
}
