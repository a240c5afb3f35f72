import { readlinkSync } from 'node:fs';
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { expect, it } from 'vitest';

/** In a thread of its own: a priority that was lowered cannot be taken back by everybody. */
const IN_A_THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData).then(({ setThreadPriority }) => {
    const granted = setThreadPriority(5);
    const thread = Number(require('node:fs').readlinkSync('/proc/thread-self').split('/').at(-1));
    parentPort.postMessage({ granted, nice: require('node:os').getPriority(thread) });
  });
`;

it.runIf(process.platform === 'linux')('changes the calling thread and no other', async () => {
  const main = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  const before = os.getPriority(main);
  const module = new URL('./thread-priority.ts', import.meta.url).href;
  const worker = new Worker(IN_A_THREAD, { eval: true, workerData: module });
  const [answer] = (await once(worker, 'message')) as [{ granted: boolean; nice: number }];
  await worker.terminate();
  expect(answer).toEqual({ granted: true, nice: Math.max(5, before) });
  expect(os.getPriority(main)).toBe(before);
});
