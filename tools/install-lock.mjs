// One set-up at a time in one clone: two `npm ci` in one folder destroy each other's work.
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';

const POLL_MS = 500;
const TOUCH_MS = 5_000;
/** A holder that lives touches the file; one whose pid was reused by another program does not. */
const STALE_MS = 120_000;

function readHolder(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return { pid, ageMs: Date.now() - statSync(path).mtimeMs };
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function isStale(holder) {
  // Empty for the moment between creation and the write of the pid.
  if (!Number.isInteger(holder.pid) || holder.pid <= 0) return holder.ageMs > TOUCH_MS;
  return !isAlive(holder.pid) || holder.ageMs > STALE_MS;
}

/** Waits for the lock at `path`; returns a function that gives it back. */
export async function takeInstallLock(path, onWait) {
  let told = false;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = readHolder(path);
    if (!holder) continue;
    if (isStale(holder)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) onWait(holder.pid);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const touch = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // Somebody removed it by hand; the set-up goes on.
    }
  }, TOUCH_MS);
  touch.unref();
  return () => {
    clearInterval(touch);
    rmSync(path, { force: true });
  };
}
