/** When the next INVITE of a scope may leave, and the tail of those that wait for their turn. */
export interface PaceState {
  nextAtMs: number;
  queueAtMs: number;
}

export type PaceStep =
  { pass: true; state: PaceState } | { pass: false; state: PaceState; retryAtMs: number };

/**
 * G06: a token bucket of one token. Who is early gets a place in the queue instead of a time that
 * all others who wait were told too.
 */
export function paceNext(state: PaceState | null, callsPerSecond: number, nowMs: number): PaceStep {
  const gapMs = 1_000 / callsPerSecond;
  const nextAtMs = state?.nextAtMs ?? nowMs;
  const queueAtMs = state?.queueAtMs ?? nowMs;
  if (nowMs >= nextAtMs) {
    return {
      pass: true,
      state: { nextAtMs: nowMs + gapMs, queueAtMs: Math.max(queueAtMs, nowMs + gapMs) },
    };
  }
  const retryAtMs = Math.max(queueAtMs, nextAtMs);
  return { pass: false, retryAtMs, state: { nextAtMs, queueAtMs: retryAtMs + gapMs } };
}
