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

/** Non-INVITE server transaction: RFC 3261 §17.2.2. */
export function serverNonInviteNext(
  state: ServerNonInviteState,
  input: ServerNonInviteInput,
): Step {
  switch (state) {
    case 'trying':
    case 'proceeding':
      return beforeFinal(state, input);
    case 'completed':
      return fromCompleted(input);
    case 'terminated':
      return step('terminated');
  }
}

function beforeFinal(state: 'trying' | 'proceeding', input: ServerNonInviteInput): Step {
  switch (input) {
    // RFC 3261 §17.2.2: in Trying a retransmission is discarded, in Proceeding it gets the 1xx again.
    case 'request':
      return state === 'trying' ? step('trying') : step('proceeding', 'resend-response');
    case 'send-1xx':
      return step('proceeding', 'send-response');
    case 'send-final':
      return step('completed', 'send-response', 'start-timer-j');
    case 'transport-error':
      return step('terminated', 'tell-transport-error');
    case 'timer-j':
      return step(state);
  }
}

function fromCompleted(input: ServerNonInviteInput): Step {
  switch (input) {
    case 'request':
      return step('completed', 'resend-response');
    case 'timer-j':
      return step('terminated');
    case 'transport-error':
      return step('terminated', 'tell-transport-error');
    // RFC 3261 §17.2.2: any other final response from the core is discarded.
    case 'send-1xx':
    case 'send-final':
      return step('completed');
  }
}
