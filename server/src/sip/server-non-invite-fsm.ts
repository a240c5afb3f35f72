import { step, type FsmStep } from './fsm-step.ts';

export const SERVER_NON_INVITE_STATES = [
  'trying',
  'proceeding',
  'completed',
  'terminated',
] as const;
export type ServerNonInviteState = (typeof SERVER_NON_INVITE_STATES)[number];

export const SERVER_NON_INVITE_INPUTS = [
  'request',
  'send-1xx',
  'send-final',
  'timer-j',
  'transport-error',
] as const;
export type ServerNonInviteInput = (typeof SERVER_NON_INVITE_INPUTS)[number];

export type ServerNonInviteEffect =
  'send-response' | 'resend-response' | 'start-timer-j' | 'tell-transport-error';

type Step = FsmStep<ServerNonInviteState, ServerNonInviteEffect>;

const TABLE: Record<ServerNonInviteState, Record<ServerNonInviteInput, Step>> = {
  trying: {
    // RFC 3261 §17.2.2: a retransmission is discarded before the first response.
    request: step('trying'),
    'send-1xx': step('proceeding', 'send-response'),
    'send-final': step('completed', 'send-response', 'start-timer-j'),
    'timer-j': step('trying'),
    'transport-error': step('terminated', 'tell-transport-error'),
  },
  proceeding: {
    // RFC 3261 §17.2.2: and gets the newest provisional response afterwards.
    request: step('proceeding', 'resend-response'),
    'send-1xx': step('proceeding', 'send-response'),
    'send-final': step('completed', 'send-response', 'start-timer-j'),
    'timer-j': step('proceeding'),
    'transport-error': step('terminated', 'tell-transport-error'),
  },
  completed: {
    request: step('completed', 'resend-response'),
    'timer-j': step('terminated'),
    'transport-error': step('terminated', 'tell-transport-error'),
    // RFC 3261 §17.2.2: any other final response from the core is discarded.
    'send-1xx': step('completed'),
    'send-final': step('completed'),
  },
  terminated: {
    request: step('terminated'),
    'send-1xx': step('terminated'),
    'send-final': step('terminated'),
    'timer-j': step('terminated'),
    'transport-error': step('terminated'),
  },
};

/** Non-INVITE server transaction: RFC 3261 §17.2.2. */
export function serverNonInviteNext(
  state: ServerNonInviteState,
  input: ServerNonInviteInput,
): Step {
  return TABLE[state][input];
}
