import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { JobQueue, QueueBusyError } from './job-queue.ts';

const never = new AbortController().signal;

/** Occupies the queue until it is let go. */
function occupy(queue: JobQueue): () => void {
  const gate = Promise.withResolvers<void>();
  void queue.run(9, never, () => gate.promise);
  return gate.resolve;
}

describe('JobQueue', () => {
  it('runs one job at a time, the highest priority first, equal ones in order', async () => {
    const queue = new JobQueue(10);
    const release = occupy(queue);
    const order: string[] = [];
    const jobs = [
      queue.run(0, never, () => order.push('low 1')),
      queue.run(1, never, () => order.push('normal 1')),
      queue.run(0, never, () => order.push('low 2')),
      queue.run(1, never, () => order.push('normal 2')),
    ];
    expect(order).toEqual([]);
    release();
    await Promise.all(jobs);
    expect(order).toEqual(['normal 1', 'normal 2', 'low 1', 'low 2']);
  });

  it('drops a job that is aborted before it starts', async () => {
    const queue = new JobQueue(10);
    const release = occupy(queue);
    const controller = new AbortController();
    let ran = false;
    const job = queue.run(1, controller.signal, () => {
      ran = true;
    });
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(job).rejects.toBe(reason);
    expect(queue.waitingCount).toBe(0);
    release();
    await queue.run(1, never, () => undefined);
    expect(ran).toBe(false);
  });

  it('takes in what came over a port while it computed before it chooses the next', async () => {
    const { port1, port2 } = new MessageChannel();
    const queue = new JobQueue(10);
    const controller = new AbortController();
    const order: string[] = [];
    let urgent: Promise<number> | undefined;
    port1.on('message', (message: string) => {
      if (message === 'abort') controller.abort(new Error('no longer wanted'));
      else urgent = queue.run(1, never, () => order.push('urgent'));
    });
    const blocking = queue.run(0, never, () => {
      // As a model does: nothing is taken in until it is done.
      port2.postMessage('abort');
      port2.postMessage('urgent');
      order.push('blocking');
    });
    const unwanted = queue.run(0, controller.signal, () => order.push('unwanted'));
    const last = queue.run(0, never, () => order.push('last'));
    await blocking;
    await expect(unwanted).rejects.toThrow('no longer wanted');
    await last;
    await urgent;
    expect(order).toEqual(['blocking', 'urgent', 'last']);
    port1.close();
  });

  it('tells how long jobs wait, of those that still do as well', async () => {
    const queue = new JobQueue(10);
    expect(queue.waitP95Ms()).toBe(0);
    const release = occupy(queue);
    const job = queue.run(1, never, () => undefined);
    const from = performance.now();
    while (performance.now() - from < 20);
    expect(queue.waitP95Ms()).toBeGreaterThanOrEqual(20);
    release();
    await job;
    expect(queue.waitP95Ms()).toBeGreaterThanOrEqual(20);
  });

  it('does not count the waits of jobs that may wait', async () => {
    const queue = new JobQueue(10);
    const release = occupy(queue);
    const job = queue.run(0, never, () => undefined);
    const from = performance.now();
    while (performance.now() - from < 20);
    expect(queue.waitP95Ms()).toBeLessThan(20);
    release();
    await job;
    expect(queue.waitP95Ms()).toBeLessThan(20);
  });

  it('refuses the newest of the lowest priority when it is full', async () => {
    const queue = new JobQueue(2);
    const release = occupy(queue);
    const first = queue.run(0, never, () => 'first');
    const second = queue.run(0, never, () => 'second');
    const urgent = queue.run(1, never, () => 'urgent');
    await expect(second).rejects.toBeInstanceOf(QueueBusyError);
    await expect(queue.run(0, never, () => 'late')).rejects.toThrow('busy: 2 jobs are waiting');
    release();
    expect(await Promise.all([first, urgent])).toEqual(['first', 'urgent']);
  });

  it('goes on after a job that fails', async () => {
    const queue = new JobQueue(2);
    const failing = queue.run(1, never, () => Promise.reject(new Error('broken')));
    const next = queue.run(1, never, () => 'fine');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('fine');
  });
});
