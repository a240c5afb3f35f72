import { describe, expect, it } from 'vitest';
import { CallSlots } from './call-slots.ts';

const never = new AbortController().signal;

describe('call slots', () => {
  it('are given out up to the capacity, and again when given back', () => {
    const slots = new CallSlots(1);
    const release = slots.tryTake();
    expect(slots.tryTake()).toBeNull();
    release?.();
    release?.();
    expect(slots.usedCount).toBe(0);
    expect(slots.tryTake()).not.toBeNull();
  });

  it('go to those who wait, one each', async () => {
    const slots = new CallSlots(1);
    const release = await slots.take(never);
    const order: number[] = [];
    const first = slots.take(never).then((give) => (order.push(1), give));
    const second = slots.take(never).then((give) => (order.push(2), give));
    release();
    (await first)();
    (await second)();
    expect(order).toEqual([1, 2]);
    expect(slots.usedCount).toBe(0);
  });

  it('are not lost to somebody who stopped waiting', async () => {
    const slots = new CallSlots(1);
    const release = await slots.take(never);
    const abort = new AbortController();
    const given = slots.take(abort.signal);
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    const next = slots.take(never);
    release();
    (await next)();
    expect(slots.usedCount).toBe(0);
  });
});
