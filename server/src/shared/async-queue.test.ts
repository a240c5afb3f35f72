import { describe, expect, it } from 'vitest';
import { AsyncQueue, QueueFullError } from './async-queue.ts';

async function readAll<T>(queue: AsyncQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

describe('AsyncQueue', () => {
  it('gives items in order and ends after the last one', async () => {
    const queue = new AsyncQueue<number>(3, 'refuse');
    const reading = readAll(queue);
    queue.push(1);
    queue.push(2);
    queue.end();
    queue.push(3);
    expect(await reading).toEqual([1, 2]);
  });

  it('drops the oldest and counts it', async () => {
    const queue = new AsyncQueue<number>(2, 'drop-oldest');
    for (const item of [1, 2, 3, 4]) queue.push(item);
    queue.end();
    expect(queue.droppedCount).toBe(2);
    expect(await readAll(queue)).toEqual([3, 4]);
  });

  it('drops the newest and counts it', async () => {
    const queue = new AsyncQueue<number>(2, 'drop-newest');
    for (const item of [1, 2, 3]) queue.push(item);
    queue.end();
    expect(queue.droppedCount).toBe(1);
    expect(await readAll(queue)).toEqual([1, 2]);
  });

  it('refuses what does not fit', () => {
    const queue = new AsyncQueue<number>(1, 'refuse');
    queue.push(1);
    expect(() => queue.push(2)).toThrow(QueueFullError);
  });

  it('throws its failure after the items that came before', async () => {
    const queue = new AsyncQueue<number>(2, 'refuse');
    queue.push(1);
    queue.fail(new Error('line is dead'));
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const item of queue) seen.push(item);
      })(),
    ).rejects.toThrow('line is dead');
    expect(seen).toEqual([1]);
  });
});
