import { describe, expect, it } from 'vitest';
import { ArrivalOrder } from './arrival-order.ts';

function open() {
  const delivered: (number | string)[] = [];
  const order = new ArrivalOrder<number>((item, lost) => {
    if (lost > 0) delivered.push(`lost ${lost}`);
    delivered.push(item);
  });
  return {
    order,
    delivered,
    push: (n: number, atMs = 0) => order.push(n & 0xffff, n & 0xffff, atMs),
  };
}

describe('order of arrival', () => {
  it('T41: hands on at once what is in sequence, across the wrap', () => {
    const { delivered, push } = open();
    for (const n of [0xfffe, 0xffff, 0, 1]) expect(push(n)).toBe('taken');
    expect(delivered).toEqual([0xfffe, 0xffff, 0, 1]);
  });

  it('T41: puts a packet that was overtaken into its place', () => {
    const { delivered, push } = open();
    for (const n of [1, 3, 4, 2, 5]) push(n);
    expect(delivered).toEqual([1, 2, 3, 4, 5]);
  });

  it('T41: waits no longer than about 40 ms for a missing packet', () => {
    const { order, delivered, push } = open();
    push(1, 0);
    push(3, 40);
    order.expire(60);
    expect(delivered).toEqual([1]);
    order.expire(80);
    expect(delivered).toEqual([1, 'lost 1', 3]);
  });

  it('T41: gives a missing packet up as soon as four wait behind it', () => {
    const { delivered, push } = open();
    for (const n of [1, 4, 5, 6]) push(n);
    expect(delivered).toEqual([1]);
    push(7);
    expect(delivered).toEqual([1, 'lost 2', 4, 5, 6, 7]);
  });

  it('T41: counts two losses apart', () => {
    const { order, delivered, push } = open();
    for (const n of [1, 3, 5]) push(n, 0);
    order.expire(40);
    order.expire(80);
    expect(delivered).toEqual([1, 'lost 1', 3, 'lost 1', 5]);
  });

  it('T41: tells a duplicate from a packet that comes too late', () => {
    const { order, delivered, push } = open();
    push(1, 0);
    push(3, 0);
    expect(push(3, 0)).toBe('duplicate');
    order.expire(40);
    expect(push(2, 50)).toBe('late');
    expect(push(1, 50)).toBe('duplicate');
    expect(delivered).toEqual([1, 'lost 1', 3]);
  });

  it('T38 RFC 3550 A.1: takes a large step as a restart, not as a loss', () => {
    const { delivered, push } = open();
    for (const n of [10, 12, 5_000, 5_001]) push(n);
    expect(delivered).toEqual([10, 'lost 1', 12, 5_000, 5_001]);
  });
});
