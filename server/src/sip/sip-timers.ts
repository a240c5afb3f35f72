/** The timer values of RFC 3261 §17 (table 4, appendix A), in milliseconds. */
export interface SipTimers {
  /** Round-trip estimate: first interval of timers A, E and G. */
  t1Ms: number;
  /** Longest interval of timers E and G, and of the 2xx retransmission. */
  t2Ms: number;
  /** How long a message can live in the network: timers I and K. */
  t4Ms: number;
  /** 64*T1: timers B, D, F, H, J, L and M. */
  timeoutMs: number;
  /** How long an unreachable fork may still answer an INVITE: above timer C of RFC 3261 §16.6. */
  lateAnswerMs: number;
}

const DEFAULT_T1_MS = 500;

/** All timers from T1, in the proportions of the RFC (T2 = 8*T1, T4 = 10*T1). */
export function sipTimers(t1Ms: number = DEFAULT_T1_MS): SipTimers {
  return {
    t1Ms,
    t2Ms: 8 * t1Ms,
    t4Ms: 10 * t1Ms,
    timeoutMs: 64 * t1Ms,
    lateAnswerMs: 400 * t1Ms,
  };
}
