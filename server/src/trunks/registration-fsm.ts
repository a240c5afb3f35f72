/** How a registration stands. */
export type RegistrationPhase = 'idle' | 'registering' | 'registered' | 'waiting' | 'rejected';

export interface RegistrationState {
  phase: RegistrationPhase;
  /** What is asked for. */
  expiresS: number;
  /** Answers that were no success, in a row. */
  failures: number;
}

export type RegistrationEvent =
  | { type: 'start' }
  | {
      type: 'response';
      status: number;
      /** Granted by a 2xx; null: it does not say. */
      grantedS: number | null;
      /** Of a 423. */
      minExpiresS: number | null;
      retryAfterS: number | null;
    }
  | { type: 'timer' }
  | { type: 'stop' };

export type RegistrationEffect =
  /** Sends REGISTER; 0 takes the binding away. */
  { type: 'register'; expiresS: number } | { type: 'schedule'; afterMs: number };

export const INITIAL: RegistrationState = { phase: 'idle', expiresS: 3_600, failures: 0 };

/** RFC 3261 §10.2.8 asks for patience; a carrier that is back is found again within a minute. */
const BACK_OFF_S = [5, 10, 20, 60];
/** A refusal will not change by asking: nobody is hammered. */
const REJECTED_S = [60, 120, 300, 600];
/** Refreshed when this share of the time is over. */
const REFRESH_SHARE = 0.85;
const MAX_EXPIRES_S = 86_400;
const MIN_REFRESH_S = 5;
/** Answers by which the registrar says that it will not have us. */
const REJECTIONS: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 407, 416, 420, 501, 603]);

/** RFC 3261 §10.2: what is done next. Pure. */
export function registrationStep(
  state: RegistrationState,
  event: RegistrationEvent,
): { state: RegistrationState; effects: RegistrationEffect[] } {
  switch (event.type) {
    case 'start':
    case 'timer':
      return {
        state: { ...state, phase: state.phase === 'registered' ? 'registered' : 'registering' },
        effects: [{ type: 'register', expiresS: state.expiresS }],
      };
    case 'stop':
      return {
        state: INITIAL,
        effects: state.phase === 'registered' ? [{ type: 'register', expiresS: 0 }] : [],
      };
    case 'response':
      return answered(state, event);
  }
}

function answered(
  state: RegistrationState,
  event: Extract<RegistrationEvent, { type: 'response' }>,
): { state: RegistrationState; effects: RegistrationEffect[] } {
  const { status, grantedS, minExpiresS, retryAfterS } = event;
  if (status >= 200 && status < 300) {
    const refreshS = Math.max(MIN_REFRESH_S, (grantedS ?? state.expiresS) * REFRESH_SHARE);
    return {
      state: { ...state, phase: 'registered', failures: 0 },
      effects: [{ type: 'schedule', afterMs: Math.round(refreshS * 1000) }],
    };
  }
  // RFC 3261 §10.2.8: asked for too little; once more with what it wants.
  const wants = status === 423 ? minExpiresS : null;
  if (wants !== null && wants > state.expiresS && wants <= MAX_EXPIRES_S) {
    return {
      state: { ...state, phase: 'registering', expiresS: wants },
      effects: [{ type: 'register', expiresS: wants }],
    };
  }
  const isRejected = REJECTIONS.has(status);
  const steps = isRejected ? REJECTED_S : BACK_OFF_S;
  const step = steps[Math.min(state.failures, steps.length - 1)] ?? 60;
  const afterS = retryAfterS === null ? step : Math.min(Math.max(retryAfterS, step), 3_600);
  return {
    state: { ...state, phase: isRejected ? 'rejected' : 'waiting', failures: state.failures + 1 },
    effects: [{ type: 'schedule', afterMs: afterS * 1000 }],
  };
}
