import { step, type FsmStep } from './fsm-step.ts';

export const CLIENT_INVITE_STATES = [
  'calling',
  'proceeding',
  'completed',
  'accepted',
  'terminated',
] as const;
export type ClientInviteState = (typeof CLIENT_INVITE_STATES)[number];

export const CLIENT_INVITE_INPUTS = [
  '1xx',
  '2xx',
  '3xx-6xx',
  'timer-a',
  'timer-b',
  'timer-d',
  'timer-m',
  'transport-error',
] as const;
export type ClientInviteInput = (typeof CLIENT_INVITE_INPUTS)[number];

export type ClientInviteEffect =
  | 'resend-request'
  | 'rearm-timer-a'
  | 'stop-timers-a-b'
  | 'start-timer-d'
  | 'start-timer-m'
  | 'pass-response'
  | 'send-ack'
  | 'tell-timeout'
  | 'tell-transport-error';

type Step = FsmStep<ClientInviteState, ClientInviteEffect>;

/** INVITE client transaction: RFC 3261 §17.1.1 as updated by RFC 6026 §7.2. */
export function clientInviteNext(state: ClientInviteState, input: ClientInviteInput): Step {
  switch (state) {
    case 'calling':
      return fromCalling(input);
    case 'proceeding':
      return fromProceeding(input);
    case 'completed':
      return fromCompleted(input);
    case 'accepted':
      return fromAccepted(input);
    case 'terminated':
      return step('terminated');
  }
}

function fromCalling(input: ClientInviteInput): Step {
  switch (input) {
    // RFC 3261 §17.1.1.2: retransmit and double the interval, without a cap, until timer B.
    case 'timer-a':
      return step('calling', 'resend-request', 'rearm-timer-a');
    case 'timer-b':
      return step('terminated', 'stop-timers-a-b', 'tell-timeout');
    case '1xx':
      return step('proceeding', 'stop-timers-a-b', 'pass-response');
    // RFC 6026 §7.2: a 2xx leads to Accepted, where further 2xx are passed up for timer M.
    case '2xx':
      return step('accepted', 'stop-timers-a-b', 'pass-response', 'start-timer-m');
    // RFC 3261 §17.1.1.2: the ACK of a non-2xx belongs to this transaction.
    case '3xx-6xx':
      return step('completed', 'stop-timers-a-b', 'send-ack', 'pass-response', 'start-timer-d');
    case 'transport-error':
      return step('terminated', 'stop-timers-a-b', 'tell-transport-error');
    case 'timer-d':
    case 'timer-m':
      return step('calling');
  }
}

function fromProceeding(input: ClientInviteInput): Step {
  switch (input) {
    case '1xx':
      return step('proceeding', 'pass-response');
    case '2xx':
      return step('accepted', 'pass-response', 'start-timer-m');
    case '3xx-6xx':
      return step('completed', 'send-ack', 'pass-response', 'start-timer-d');
    // Timers A and B ended with the first response; nothing is being sent that could fail.
    case 'timer-a':
    case 'timer-b':
    case 'timer-d':
    case 'timer-m':
    case 'transport-error':
      return step('proceeding');
  }
}

function fromCompleted(input: ClientInviteInput): Step {
  switch (input) {
    // RFC 3261 §17.1.1.2: the final response again means that our ACK was lost.
    case '3xx-6xx':
      return step('completed', 'send-ack');
    case 'timer-d':
      return step('terminated');
    case 'transport-error':
      return step('terminated', 'tell-transport-error');
    case '1xx':
    case '2xx':
    case 'timer-a':
    case 'timer-b':
    case 'timer-m':
      return step('completed');
  }
}

function fromAccepted(input: ClientInviteInput): Step {
  switch (input) {
    // RFC 6026 §7.2: each 2xx goes up; the core sends its ACK again, or releases another fork.
    case '2xx':
      return step('accepted', 'pass-response');
    case 'timer-m':
      return step('terminated');
    case '1xx':
    case '3xx-6xx':
    case 'timer-a':
    case 'timer-b':
    case 'timer-d':
    case 'transport-error':
      return step('accepted');
  }
}
