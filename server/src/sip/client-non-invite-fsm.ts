import { step, type FsmStep } from './fsm-step.ts';

export const CLIENT_NON_INVITE_STATES = [
  'trying',
  'proceeding',
  'completed',
  'terminated',
] as const;
export type ClientNonInviteState = (typeof CLIENT_NON_INVITE_STATES)[number];

export const CLIENT_NON_INVITE_INPUTS = [
  '1xx',
  'final',
  'timer-e',
  'timer-f',
  'timer-k',
  'transport-error',
] as const;
export type ClientNonInviteInput = (typeof CLIENT_NON_INVITE_INPUTS)[number];

export type ClientNonInviteEffect =
  | 'resend-request'
  | 'rearm-timer-e'
  | 'rearm-timer-e-at-t2'
  | 'stop-timers-e-f'
  | 'start-timer-k'
  | 'pass-response'
  | 'tell-timeout'
  | 'tell-transport-error';

type Step = FsmStep<ClientNonInviteState, ClientNonInviteEffect>;

const TABLE: Record<ClientNonInviteState, Record<ClientNonInviteInput, Step>> = {
  trying: {
    // RFC 3261 §17.1.2.2: doubled each time, at most T2.
    'timer-e': step('trying', 'resend-request', 'rearm-timer-e'),
    'timer-f': step('terminated', 'stop-timers-e-f', 'tell-timeout'),
    '1xx': step('proceeding', 'pass-response'),
    final: step('completed', 'stop-timers-e-f', 'pass-response', 'start-timer-k'),
    'transport-error': step('terminated', 'stop-timers-e-f', 'tell-transport-error'),
    'timer-k': step('trying'),
  },
  proceeding: {
    // RFC 3261 §17.1.2.2: after a provisional response the request still goes out every T2.
    'timer-e': step('proceeding', 'resend-request', 'rearm-timer-e-at-t2'),
    'timer-f': step('terminated', 'stop-timers-e-f', 'tell-timeout'),
    '1xx': step('proceeding', 'pass-response'),
    final: step('completed', 'stop-timers-e-f', 'pass-response', 'start-timer-k'),
    'transport-error': step('terminated', 'stop-timers-e-f', 'tell-transport-error'),
    'timer-k': step('proceeding'),
  },
  // Completed only absorbs retransmitted finals until timer K.
  completed: {
    '1xx': step('completed'),
    final: step('completed'),
    'timer-e': step('completed'),
    'timer-f': step('completed'),
    'timer-k': step('terminated'),
    'transport-error': step('completed'),
  },
  terminated: {
    '1xx': step('terminated'),
    final: step('terminated'),
    'timer-e': step('terminated'),
    'timer-f': step('terminated'),
    'timer-k': step('terminated'),
    'transport-error': step('terminated'),
  },
};

/** Non-INVITE client transaction: RFC 3261 §17.1.2.2. */
export function clientNonInviteNext(
  state: ClientNonInviteState,
  input: ClientNonInviteInput,
): Step {
  return TABLE[state][input];
}
