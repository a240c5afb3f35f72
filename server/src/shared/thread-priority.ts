import { readlinkSync } from 'node:fs';
import os from 'node:os';

/**
 * Asks the kernel to run the calling thread before others of its kind (Linux: a thread has a nice
 * value of its own). A thread whose work is due to the millisecond must not wait for one that
 * computes. Without the right to it (CAP_SYS_NICE), or elsewhere, nothing changes.
 * @param nice -20 (first) to 19 (last).
 * @returns whether it was granted.
 */
export function setThreadPriority(nice: number): boolean {
  try {
    // `/proc/thread-self` is `<process>/task/<thread>` of whoever reads it.
    const threadId = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    os.setPriority(threadId, nice);
    return true;
  } catch {
    // No /proc, or no right: the default will do.
    return false;
  }
}
