import { describe, expect, it } from 'vitest';
import {
  concurrencyOf,
  endpointNext,
  newEndpointState,
  type EndpointState,
} from './endpoint-fsm.ts';
import { DISABLE_AFTER_MS, nextTryMs, RETRY_DELAYS_MS } from './retry-schedule.ts';

function after(count: number, atMs: number, state = newEndpointState()): EndpointState {
  let next = state;
  for (let n = 0; n < count; n++) next = endpointNext(next, { type: 'failure', atMs });
  return next;
}

describe('an endpoint', () => {
  it('gets more at once with each success, up to 64', () => {
    let state = newEndpointState();
    const seen = Array.from({ length: 100 }, () => {
      state = endpointNext(state, { type: 'success' });
      return concurrencyOf(state, 0);
    });
    expect([seen[0], seen[1], seen.at(-1)]).toEqual([5, 6, 64]);
  });

  it('gets less at once with each failure, and after five in a row nothing but probes', () => {
    expect(concurrencyOf(after(1, 1_000), 1_000)).toBe(2);
    expect(concurrencyOf(after(4, 1_000), 1_000)).toBe(1);
    const failing = after(5, 1_000);
    expect(failing).toMatchObject({ kind: 'failing', probeAtMs: 2_000, failingSinceMs: 1_000 });
    expect([1_999, 2_000].map((nowMs) => concurrencyOf(failing, nowMs))).toEqual([0, 1]);
  });

  it('is probed less and less often, at least once a minute', () => {
    let state = after(5, 0);
    const waits: number[] = [];
    for (let n = 0; n < 9 && state.kind === 'failing'; n++) {
      const atMs = state.probeAtMs;
      state = endpointNext(state, { type: 'failure', atMs });
      if (state.kind === 'failing') waits.push(state.probeAtMs - atMs);
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60, 60].map((seconds) => seconds * 1_000));
  });

  it('learns nothing from requests that were under way when it began to fail', () => {
    const failing = after(5, 1_000);
    expect(after(10, 1_500, failing)).toEqual(failing);
  });

  it('that says when to come again is asked nothing before', () => {
    const failure = { type: 'failure', atMs: 1_000, waitMs: 90_000 } as const;
    const told = endpointNext(newEndpointState(), failure);
    expect([1_000, 90_999, 91_000].map((nowMs) => concurrencyOf(told, nowMs))).toEqual([0, 0, 1]);
  });

  it('is as new after one success', () => {
    expect(endpointNext(after(9, 1_000), { type: 'success' })).toEqual(newEndpointState());
  });

  it('remembers since when it fails, over nodes', () => {
    expect(after(5, 9_000, newEndpointState(1_000))).toMatchObject({ failingSinceMs: 1_000 });
  });
});

describe('the schedule of retries', () => {
  it('waits longer each time, for three days, and ends before the endpoint is disabled', () => {
    expect(RETRY_DELAYS_MS).toEqual(RETRY_DELAYS_MS.toSorted((a, b) => a - b));
    const totalMs = RETRY_DELAYS_MS.reduce((a, b) => a + b, 0);
    expect(totalMs).toBeGreaterThan(3 * 24 * 3_600_000);
    expect(totalMs * 1.1).toBeLessThan(DISABLE_AFTER_MS);
  });

  it('spreads what failed together over a tenth of the delay', () => {
    expect([0, 1].map((random) => nextTryMs(0, 1_000, random))).toEqual([6_000, 6_500]);
    expect(nextTryMs(RETRY_DELAYS_MS.length, 1_000, 0)).toBeNull();
  });
});
