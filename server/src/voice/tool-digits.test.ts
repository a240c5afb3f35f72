import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { ToolDigits } from './tool-digits.ts';

const request = (more: object = {}) => ({
  minDigits: 1,
  maxDigits: 4,
  timeoutMs: 5_000,
  masked: true,
  signal: new AbortController().signal,
  ...more,
});

describe('keys that a tool waits for', () => {
  it('are complete at the wanted length, and stand masked on record', async () => {
    const digits = new ToolDigits(new FakeClock());
    const entered = digits.collect(request());
    expect(['4', '7', '1', '1'].map((key) => digits.push(key))).toEqual(['x', 'x', 'x', 'x']);
    expect(await entered).toBe('4711');
    expect(digits.push('5')).toBeNull();
  });

  it('are complete at #, which is none of them', async () => {
    const digits = new ToolDigits(new FakeClock());
    const entered = digits.collect(request({ masked: false }));
    expect([digits.push('4'), digits.push('#')]).toEqual(['4', '#']);
    expect(await entered).toBe('4');
  });

  it('are what came by then when no other key comes in time', async () => {
    const clock = new FakeClock();
    const digits = new ToolDigits(clock);
    const entered = digits.collect(request());
    await clock.advance(4_000);
    digits.push('4');
    await clock.advance(4_999);
    expect(digits.push('7')).toBe('x');
    await clock.advance(5_000);
    expect(await entered).toBe('47');
  });

  it('are given up when nobody waits for them any more', async () => {
    const digits = new ToolDigits(new FakeClock());
    const over = new AbortController();
    const entered = digits.collect(request({ signal: over.signal }));
    over.abort();
    expect(await entered).toBe('');
    expect(await digits.collect(request({ signal: over.signal }))).toBe('');
    expect(digits.push('1')).toBeNull();
  });
});
