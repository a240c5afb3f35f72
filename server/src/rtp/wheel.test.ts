import { describe, expect, it } from 'vitest';
import type { Clock } from '../shared/clock.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { Lateness } from './lateness.ts';
import type { ThreadRest } from './thread-rest.ts';
import { Wheel } from './wheel.ts';

const failOnError = (error: unknown) => {
  throw error;
};

describe('wheel', () => {
  it('T42: turns each stream every 20 ms, in a phase of its own', async () => {
    const clock = new FakeClock();
    const wheel = new Wheel(clock, failOnError);
    const ticks: number[][] = [[], [], []];
    for (const times of ticks) wheel.add(() => times.push(clock.monotonicMs()));
    await clock.advance(65);
    // The first slice is due at once and shares a turn with the second.
    for (const times of ticks) times.shift();
    const offsets = ticks.map((times) => (times[0] ?? 0) % 20);
    expect(new Set(offsets).size).toBe(3);
    for (const times of ticks) {
      expect(times.length).toBeGreaterThanOrEqual(2);
      expect(times.slice(1).map((ms, i) => ms - (times[i] ?? 0))).toEqual(
        Array(times.length - 1).fill(20),
      );
    }
    wheel.close();
    expect(clock.pendingCount).toBe(0);
  });

  it('T42: spreads 40 streams evenly over its 20 phases', async () => {
    const clock = new FakeClock();
    const wheel = new Wheel(clock, failOnError);
    const perMs = new Map<number, number>();
    for (let n = 0; n < 40; n++) {
      wheel.add(() => {
        const phase = clock.monotonicMs() % 20;
        perMs.set(phase, (perMs.get(phase) ?? 0) + 1);
      });
    }
    // Two whole rounds, clear of the first slice, which is due at once.
    await clock.advance(20);
    perMs.clear();
    await clock.advance(40);
    expect([...perMs.values()]).toEqual(Array(20).fill(4));
    wheel.close();
  });

  it('T42: makes up for a stall of less than 200 ms, and forgets a longer one', () => {
    const late = { nowMs: 0, fn: () => {} };
    const clock: Clock = {
      now: () => late.nowMs,
      monotonicMs: () => late.nowMs,
      setTimer(_delayMs, fn) {
        late.fn = fn;
        return { cancel: () => undefined };
      },
      sleep: () => Promise.resolve(),
    };
    const wheel = new Wheel(clock, failOnError);
    let count = 0;
    wheel.add(() => count++);
    late.nowMs = 199;
    late.fn();
    expect(count).toBe(10);
    late.nowMs = 10_199;
    late.fn();
    expect(count).toBeLessThanOrEqual(12);
    count = 0;
    late.nowMs = 10_299;
    late.fn();
    expect(count).toBe(5);
    expect(wheel.lateness().maxMs).toBeGreaterThanOrEqual(190);
  });

  it('T42: lets others run in between when its ticks take longer than there is time', () => {
    const busy = { nowMs: 0, fn: () => {}, armed: 0 };
    const clock: Clock = {
      now: () => busy.nowMs,
      monotonicMs: () => busy.nowMs,
      setTimer(_delayMs, fn) {
        busy.fn = fn;
        busy.armed++;
        return { cancel: () => undefined };
      },
      sleep: () => Promise.resolve(),
    };
    const wheel = new Wheel(clock, failOnError);
    let count = 0;
    wheel.add(() => {
      // Five ticks of 21 ms: as long as that, the next is due when one is done.
      if (++count < 5) busy.nowMs += 21;
    });
    busy.nowMs = 1;
    busy.fn();
    expect(count).toBe(1);
    expect(busy.armed).toBe(2);
    busy.fn();
    expect(count).toBe(2);
    wheel.close();
  });

  it('goes on when a tick throws, and tells of it', async () => {
    const clock = new FakeClock();
    const errors: unknown[] = [];
    const wheel = new Wheel(clock, (error) => errors.push(error));
    let count = 0;
    wheel.add(() => {
      throw new Error('bad listener');
    });
    wheel.add(() => count++);
    await clock.advance(100);
    expect(count).toBe(5);
    expect(errors.length).toBeGreaterThanOrEqual(5);
    wheel.close();
  });

  it('turns once a phase after the last stream left and another came in the same tick', async () => {
    const clock = new FakeClock();
    const wheel = new Wheel(clock, failOnError);
    const ticks: number[] = [];
    const stop = wheel.add(() => {
      stop();
      wheel.add(() => ticks.push(clock.monotonicMs()));
    });
    await clock.advance(100);
    expect(clock.pendingCount).toBe(1);
    expect(ticks.slice(1).every((ms, i) => ms - (ticks[i] ?? 0) === 20)).toBe(true);
    wheel.close();
    wheel.close();
    expect(clock.pendingCount).toBe(0);
  });
});

describe('wheel that may rest its thread', () => {
  /** Time passes only while the thread rests; `turn` is one round of the event loop. */
  function restingThread() {
    const state = { nowMs: 0, rests: [] as number[], timers: 0, next: null as (() => void) | null };
    const clock: Clock = {
      now: () => state.nowMs,
      monotonicMs: () => state.nowMs,
      setTimer(_delayMs, fn) {
        state.timers++;
        state.next = fn;
        return { cancel: () => (state.next = null) };
      },
      sleep: () => Promise.resolve(),
    };
    const rest: ThreadRest = {
      afterIo(fn) {
        state.next = fn;
        return { cancel: () => (state.next = null) };
      },
      rest(durationMs) {
        state.rests.push(durationMs);
        state.nowMs += durationMs;
      },
    };
    const turn = () => {
      const { next } = state;
      state.next = null;
      next?.();
    };
    return { state, clock, rest, turn };
  }

  it('serves few streams by timers, without resting', () => {
    const { state, clock, rest, turn } = restingThread();
    const wheel = new Wheel(clock, failOnError, rest);
    for (let n = 0; n < 23; n++) wheel.add(() => undefined);
    for (let n = 0; n < 100; n++) {
      state.nowMs++;
      turn();
    }
    expect(state.rests).toEqual([]);
    expect(state.timers).toBeGreaterThan(90);
    wheel.close();
  });

  it('T42: gives each of many streams its 20 ms with five awakenings a round', () => {
    const { state, clock, rest, turn } = restingThread();
    const wheel = new Wheel(clock, failOnError, rest);
    const ticks = Array.from({ length: 40 }, (): number[] => []);
    for (const times of ticks) wheel.add(() => times.push(state.nowMs));
    state.nowMs = 1;
    turn();
    const before = state.rests.length;
    const startMs = state.nowMs;
    for (const times of ticks) times.length = 0;
    while (state.nowMs < startMs + 200) turn();
    expect(state.rests.length - before).toBeLessThanOrEqual(51);
    for (const times of ticks) {
      expect(times.length).toBeGreaterThanOrEqual(9);
      expect(times.slice(1).map((ms, i) => ms - (times[i] ?? 0))).toEqual(
        Array(times.length - 1).fill(20),
      );
    }
    expect(wheel.lateness().p99Ms).toBeLessThanOrEqual(0.25);
    wheel.close();
    expect(state.next).toBeNull();
  });

  it('T42: does not rest while it is behind', () => {
    const { state, clock, rest, turn } = restingThread();
    const wheel = new Wheel(clock, failOnError, rest);
    let count = 0;
    for (let n = 0; n < 24; n++) wheel.add(() => count++);
    turn();
    turn();
    count = 0;
    const rests = state.rests.length;
    state.nowMs += 100;
    turn();
    expect(state.rests).toHaveLength(rests);
    expect(count).toBeGreaterThanOrEqual(5 * 24);
    wheel.close();
  });
});

describe('lateness', () => {
  it('gives the quantiles of the last minute and forgets what is older', () => {
    const lateness = new Lateness();
    lateness.add(80, 0);
    for (let n = 0; n < 298; n++) lateness.add(0.1, 30_000);
    lateness.add(7.3, 30_000);
    expect(lateness.summary(30_000)).toEqual({ p50Ms: 0.25, p99Ms: 0.25, maxMs: 80 });
    expect(lateness.summary(75_000)).toEqual({ p50Ms: 0.25, p99Ms: 0.25, maxMs: 7.3 });
    expect(lateness.summary(200_000)).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
  });
});
