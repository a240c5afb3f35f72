import { getHeader, type SipHeader, type SipMessage } from './message.ts';
import { fieldValues } from './message-fields.ts';
import {
  SHORTEST_INTERVAL_S,
  type SessionTimer,
  type SessionTimerFields,
  type SessionTimerPolicy,
} from './session-timer-fsm.ts';

/** What a message says of session timers (RFC 4028 §4, §5). What is malformed is as if missing. */
export function sessionTimerFields(message: SipMessage): SessionTimerFields {
  const expires = /^\s*(\d{1,9})\s*(;.*)?$/.exec(getHeader(message, 'Session-Expires') ?? '');
  const refresher = /;\s*refresher\s*=\s*(uac|uas)\s*(?:;|$)/i.exec(expires?.[2] ?? '');
  const least = /^\s*(\d{1,9})\s*(?:;.*)?$/.exec(getHeader(message, 'Min-SE') ?? '');
  const named = [...fieldValues(message, 'Supported'), ...fieldValues(message, 'Require')];
  return {
    expiresS: expires ? Number(expires[1]) : null,
    refresher: (refresher?.[1]?.toLowerCase() ?? null) as SessionTimerFields['refresher'],
    minS: Math.max(Number(least?.[1] ?? 0), SHORTEST_INTERVAL_S),
    isSupported: named.some((name) => name.toLowerCase() === 'timer'),
  };
}

/**
 * Fields of a session refresh request of ours (RFC 4028 §7.1, §7.4).
 * @param active what was agreed upon before; null: nothing.
 * @param minS the shortest interval that the far end takes, as far as is known.
 */
export function sessionTimerOffer(
  policy: SessionTimerPolicy,
  active: SessionTimer | null,
  minS: number,
): SipHeader[] {
  const intervalS = Math.max(active?.intervalS ?? policy.expiresS, minS);
  const refresher = active ? `;refresher=${active.isRefresher ? 'uac' : 'uas'}` : '';
  return [
    { name: 'Session-Expires', value: `${intervalS}${refresher}` },
    { name: 'Min-SE', value: String(Math.max(policy.minS, minS)) },
  ];
}

/** Fields of our 2xx to a session refresh request (RFC 4028 §9). */
export function sessionTimerReply(timer: SessionTimer | null): SipHeader[] {
  if (timer === null) return [];
  const refresher = timer.isRefresher ? 'uas' : 'uac';
  return [
    // §9: who shall refresh must know how.
    ...(timer.isRefresher ? [] : [{ name: 'Require', value: 'timer' }]),
    { name: 'Session-Expires', value: `${timer.intervalS};refresher=${refresher}` },
  ];
}
