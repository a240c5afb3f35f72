/** How an endpoint is spoken to. */
export type EndpointState =
  /** `concurrency` requests at once; grows with what succeeds, halves with what fails. */
  | { kind: 'healthy'; concurrency: number; failureCount: number; failingSinceMs: number | null }
  /** One request at a time, and none before `probeAtMs`: what waits is not tried for nothing. */
  | { kind: 'failing'; probeAtMs: number; failureCount: number; failingSinceMs: number };

export type EndpointInput =
  | { type: 'success' }
  /** `waitMs`: for so long the endpoint itself wants to be left alone. */
  | { type: 'failure'; atMs: number; waitMs?: number | null };

const START_CONCURRENCY = 4;
const MAX_CONCURRENCY = 64;
/** Failures with no success between them before an endpoint counts as failing. */
const TOLERATED_FAILURES = 5;
const FIRST_PROBE_MS = 1_000;
const MAX_PROBE_MS = 60_000;

/** @param failingSinceMs of an endpoint that was failing when somebody else delivered to it. */
export function newEndpointState(failingSinceMs: number | null = null): EndpointState {
  return { kind: 'healthy', concurrency: START_CONCURRENCY, failureCount: 0, failingSinceMs };
}

export function endpointNext(state: EndpointState, input: EndpointInput): EndpointState {
  switch (input.type) {
    case 'success':
      if (state.kind === 'failing') return newEndpointState();
      return {
        kind: 'healthy',
        concurrency: Math.min(MAX_CONCURRENCY, state.concurrency + 1),
        failureCount: 0,
        failingSinceMs: null,
      };
    case 'failure': {
      // One that was under way when the endpoint began to fail says nothing new.
      if (state.kind === 'failing' && input.atMs < state.probeAtMs) return state;
      const failureCount = state.failureCount + 1;
      const failingSinceMs = state.failingSinceMs ?? input.atMs;
      if (input.waitMs) {
        const probeAtMs = input.atMs + input.waitMs;
        return { kind: 'failing', probeAtMs, failureCount, failingSinceMs };
      }
      if (failureCount < TOLERATED_FAILURES) {
        const before = state.kind === 'healthy' ? state.concurrency : START_CONCURRENCY;
        const concurrency = Math.max(1, Math.floor(before / 2));
        return { kind: 'healthy', concurrency, failureCount, failingSinceMs };
      }
      const probes = Math.max(0, failureCount - TOLERATED_FAILURES);
      const waitMs = Math.min(MAX_PROBE_MS, FIRST_PROBE_MS * 2 ** Math.min(probes, 10));
      return { kind: 'failing', probeAtMs: input.atMs + waitMs, failureCount, failingSinceMs };
    }
  }
}

/** Requests that may be under way at once. */
export function concurrencyOf(state: EndpointState, nowMs: number): number {
  if (state.kind === 'healthy') return state.concurrency;
  return nowMs >= state.probeAtMs ? 1 : 0;
}
