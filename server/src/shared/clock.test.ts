import { describe, expect, it } from 'vitest';
import { FakeClock } from './testing/fake-clock.ts';

describe('FakeClock', () => {
  it('fires timers in order of time, then of making', async () => {
    const clock = new FakeClock();
    const fired: string[] = [];
    clock.setTimer(20, () => fired.push('late'));
    clock.setTimer(10, () => fired.push('first'));
    clock.setTimer(10, () => fired.push('second'));
    await clock.advance(10);
    expect(fired).toEqual(['first', 'second']);
    await clock.advance(10);
    expect(fired).toEqual(['first', 'second', 'late']);
  });

  it('shows a timer the time at which it was due', async () => {
    const clock = new FakeClock();
    let firedAtMs = -1;
    clock.setTimer(15, () => {
      firedAtMs = clock.monotonicMs();
    });
    await clock.advance(100);
    expect(firedAtMs).toBe(15);
  });

  it('rejects a sleep with the reason of its signal and forgets the timer', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const sleeping = clock.sleep(50, abort.signal);
    abort.abort(new Error('no more'));
    await expect(sleeping).rejects.toThrow('no more');
    expect(clock.pendingCount).toBe(0);
  });
});
