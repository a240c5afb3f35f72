import { describe, expect, it } from 'vitest';
import { FrameQueue } from './frame-queue.ts';

describe('frames between two wheels', () => {
  it('wait until two are there, and then come one at a time', () => {
    const queue = new FrameQueue<number>();
    queue.push(1);
    expect(queue.pop()).toBeUndefined();
    queue.push(2);
    expect([queue.pop(), queue.pop(), queue.pop()]).toEqual([1, 2, undefined]);
  });

  it('come without a gap while a wheel is late by one tick', () => {
    const queue = new FrameQueue<number>();
    queue.push(1);
    queue.push(2);
    expect([queue.pop(), queue.pop()]).toEqual([1, 2]);
    queue.push(3);
    queue.push(4);
    expect([queue.pop(), queue.pop()]).toEqual([3, 4]);
  });

  it('wait again after there was none', () => {
    const queue = new FrameQueue<number>();
    queue.push(1);
    queue.push(2);
    queue.pop();
    queue.pop();
    expect(queue.pop()).toBeUndefined();
    queue.push(3);
    expect(queue.pop()).toBeUndefined();
    queue.push(4);
    expect(queue.pop()).toBe(3);
  });

  it('are dropped from the oldest on, and silence is a frame like another', () => {
    const queue = new FrameQueue<number | null>();
    for (const frame of [1, 2, null, 4, 5]) queue.push(frame);
    expect([queue.pop(), queue.pop(), queue.pop(), queue.pop()]).toEqual([2, null, 4, 5]);
  });
});
