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

/** Non-INVITE client transaction: RFC 3261 §17.1.2.2. */
export function clientNonInviteNext(
  state: ClientNonInviteState,
  input: ClientNonInviteInput,
): Step {
  switch (state) {
    case 'trying':
      return fromTrying(input);
    case 'proceeding':
      return fromProceeding(input);
    // Completed only absorbs retransmitted finals until timer K.
    case 'completed':
      return input === 'timer-k' ? step('terminated') : step('completed');
    case 'terminated':
      return step('terminated');
  }
}

function fromTrying(input: ClientNonInviteInput): Step {
  switch (input) {
    // RFC 3261 §17.1.2.2: doubled each time, at most T2.
    case 'timer-e':
      return step('trying', 'resend-request', 'rearm-timer-e');
    case 'timer-f':
      return step('terminated', 'stop-timers-e-f', 'tell-timeout');
    case '1xx':
      return step('proceeding', 'pass-response');
    case 'final':
      return step('completed', 'stop-timers-e-f', 'pass-response', 'start-timer-k');
    case 'transport-error':
      return step('terminated', 'stop-timers-e-f', 'tell-transport-error');
    case 'timer-k':
      return step('trying');
  }
}

function fromProceeding(input: ClientNonInviteInput): Step {
  switch (input) {
    // RFC 3261 §17.1.2.2: after a provisional response the request still goes out every T2.
    case 'timer-e':
      return step('proceeding', 'resend-request', 'rearm-timer-e-at-t2');
    case 'timer-f':
      return step('terminated', 'stop-timers-e-f', 'tell-timeout');
    case '1xx':
      return step('proceeding', 'pass-response');
    case 'final':
      return step('completed', 'stop-timers-e-f', 'pass-response', 'start-timer-k');
    case 'transport-error':
      return step('terminated', 'stop-timers-e-f', 'tell-transport-error');
    case 'timer-k':
      return step('proceeding');
  }
}
