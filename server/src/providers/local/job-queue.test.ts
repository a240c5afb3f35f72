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
