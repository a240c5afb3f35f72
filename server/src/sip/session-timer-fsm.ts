/** How long a session may last without a sign of life (RFC 4028). */
export interface SessionTimerPolicy {
  /** The interval that is asked for, in seconds. */
  expiresS: number;
  /** The shortest that is taken, in seconds; 90 at least (RFC 4028 §4). */
  minS: number;
}

/** What the two sides of a session have agreed upon. */
export interface SessionTimer {
  intervalS: number;
  /** Whether our side sends the refreshes. */
  isRefresher: boolean;
}

/** What a request or a 2xx says of session timers. */
export interface SessionTimerFields {
  /** Session-Expires; null where it is missing or malformed. */
  expiresS: number | null;
  /** Who refreshes, by the roles of this one transaction. */
  refresher: 'uac' | 'uas' | null;
  /** Min-SE; 90 where it is missing. */
  minS: number;
  /** Whether `timer` is in Supported or Require. */
  isSupported: boolean;
}

/** What a session refresh request is answered with. */
export type SessionTimerAnswer =
  /** 422 with this Min-SE. */
  | { type: 'too-small'; minS: number }
  /** A 2xx; null: without a session timer. */
  | { type: 'agreed'; timer: SessionTimer | null };

/** RFC 4028 §4: no interval is shorter. */
export const SHORTEST_INTERVAL_S = 90;
/** A far end that wants longer than a day is not waited for. */
export const LONGEST_INTERVAL_S = 86_400;
/** What carriers expect. */
export const DEFAULT_SESSION_TIMER: SessionTimerPolicy = { expiresS: 1800, minS: 90 };

/** RFC 4028 §10: nobody ends a session later than so long before its end. */
const LAST_CALL_S = 32;
/** How soon a refresh that was refused is tried again. */
const RETRY_MS = 10_000;

/** RFC 4028 §9, table 2: the UAS's answer to a session refresh request. */
export function answerSessionTimer(
  policy: SessionTimerPolicy | null,
  active: SessionTimer | null,
  request: SessionTimerFields,
): SessionTimerAnswer {
  if (policy === null) return { type: 'agreed', timer: null };
  const { expiresS, isSupported } = request;
  if (expiresS === null) return { type: 'agreed', timer: unasked(policy, active, request) };
  if (expiresS < policy.minS) {
    // §9: only who knows 422 is sent one; others go without a timer.
    return isSupported ? { type: 'too-small', minS: policy.minS } : { type: 'agreed', timer: null };
  }
  // §9: the UAS may shorten the interval, never below Min-SE, and never lengthens it.
  const shortened = Math.max(Math.min(expiresS, policy.expiresS), request.minS, policy.minS);
  const intervalS = Math.min(shortened, expiresS, LONGEST_INTERVAL_S);
  return { type: 'agreed', timer: { intervalS, isRefresher: refreshesAsUas(request, active) } };
}

/** RFC 4028 §7.2: what a 2xx to a session refresh request of ours means. */
export function takeSessionTimer(
  policy: SessionTimerPolicy | null,
  response: SessionTimerFields,
): SessionTimer | null {
  if (policy === null || response.expiresS === null) return null;
  const intervalS = Math.min(Math.max(response.expiresS, SHORTEST_INTERVAL_S), LONGEST_INTERVAL_S);
  // A 2xx without the parameter names nobody; refreshing ourselves keeps the call whoever was meant.
  return { intervalS, isRefresher: response.refresher !== 'uas' };
}

/** RFC 4028 §7.3: the shortest interval of the next try after a 422; null: there is none. */
export function raisedMinimum(currentS: number, response: SessionTimerFields): number | null {
  const { minS } = response;
  return minS > currentS && minS <= LONGEST_INTERVAL_S ? minS : null;
}

/** When what happens, from the 2xx on. */
export interface SessionTimerPlan {
  /** Null: the far end refreshes. */
  refreshAfterMs: number | null;
  /** BYE where no refresh came through. */
  endAfterMs: number;
  retryAfterMs: number;
}

/** RFC 4028 §10: a refresh after half of the interval, BYE before its end. */
export function sessionTimerPlan({ intervalS, isRefresher }: SessionTimer): SessionTimerPlan {
  return {
    refreshAfterMs: isRefresher ? intervalS * 500 : null,
    endAfterMs: (intervalS - Math.min(LAST_CALL_S, intervalS / 3)) * 1000,
    retryAfterMs: RETRY_MS,
  };
}

/** A request without Session-Expires: the UAS may bring one in. */
function unasked(
  policy: SessionTimerPolicy,
  active: SessionTimer | null,
  request: SessionTimerFields,
): SessionTimer | null {
  // A far end that knows no timers can be refreshed, but does not refresh.
  if (!request.isSupported) return active?.isRefresher === true ? active : null;
  const intervalS = Math.min(
    Math.max(active?.intervalS ?? policy.expiresS, request.minS),
    LONGEST_INTERVAL_S,
  );
  return { intervalS, isRefresher: active?.isRefresher ?? false };
}

/** RFC 4028 §9, table 2. */
function refreshesAsUas(
  { refresher, isSupported }: SessionTimerFields,
  active: SessionTimer | null,
): boolean {
  if (!isSupported) return true;
  if (refresher !== null) return refresher === 'uas';
  return active?.isRefresher ?? false;
}
