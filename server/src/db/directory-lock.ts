import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';

/** A lock file that names the process that holds it. */
export interface DirectoryLock {
  /** Gives the directory back; harmless when called twice. */
  release(): Promise<void>;
}

interface Holder {
  pid: number;
  /** When the process started, in the kernel's units; tells a reused pid apart. Null where unknown. */
  bornAt: string | null;
}

/**
 * Takes the lock at `path`, or returns the pid of the living process that has it. The lock of a dead
 * process is taken over. The file appears with its content (`link` is atomic), so nobody reads half.
 */
export async function takeDirectoryLock(
  path: string,
): Promise<{ lock: DirectoryLock } | { heldByPid: number }> {
  const mine = JSON.stringify({ pid: process.pid, bornAt: processBornAt(process.pid) });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, mine, { mode: 0o600 });
  try {
    for (;;) {
      try {
        await link(draft, path);
        return { lock: { release: () => releaseLock(path, mine) } };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const text = await readFile(path, 'utf8').catch(() => null);
      if (text === null) continue;
      const holder = parseHolder(text);
      if (holder && isAlive(holder)) return { heldByPid: holder.pid };
      await setAside(path, text);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes a dead process's lock, unless another start has replaced it since it was read. */
async function setAside(path: string, expected: string): Promise<void> {
  const aside = `${path}.stale.${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    // Another start was faster.
    return;
  }
  const text = await readFile(aside, 'utf8');
  if (text !== expected) await link(aside, path).catch(() => undefined);
  await unlink(aside);
}

async function releaseLock(path: string, mine: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === mine) await rm(path, { force: true });
}

function parseHolder(text: string): Holder | null {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null;
    if (typeof value?.pid !== 'number') return null;
    return { pid: value.pid, bornAt: typeof value.bornAt === 'string' ? value.bornAt : null };
  } catch {
    return null;
  }
}

function isAlive(holder: Holder): boolean {
  if (!isProcessAlive(holder.pid)) return false;
  const bornAt = processBornAt(holder.pid);
  return holder.bornAt === null || bornAt === null || bornAt === holder.bornAt;
}

/** Whether a process has this pid now, whoever owns it. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // A zombie answers signals although it has ended.
  return !/^State:\s+Z/m.test(readProc(`/proc/${pid}/status`));
}

function processBornAt(pid: number): string | null {
  // The name in parentheses may hold spaces; the 22nd field is the 20th after it.
  const stat = readProc(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** Text of a file under /proc; empty where there is none. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
