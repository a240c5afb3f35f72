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

const TABLE: Record<ClientInviteState, Record<ClientInviteInput, Step>> = {
  calling: {
    // RFC 3261 §17.1.1.2: retransmit and double the interval, without a cap, until timer B.
    'timer-a': step('calling', 'resend-request', 'rearm-timer-a'),
    'timer-b': step('terminated', 'stop-timers-a-b', 'tell-timeout'),
    '1xx': step('proceeding', 'stop-timers-a-b', 'pass-response'),
    // RFC 6026 §7.2: a 2xx leads to Accepted, where further 2xx are passed up for timer M.
    '2xx': step('accepted', 'stop-timers-a-b', 'pass-response', 'start-timer-m'),
    // RFC 3261 §17.1.1.2: the ACK of a non-2xx belongs to this transaction.
    '3xx-6xx': step('completed', 'stop-timers-a-b', 'send-ack', 'pass-response', 'start-timer-d'),
    'transport-error': step('terminated', 'stop-timers-a-b', 'tell-transport-error'),
    'timer-d': step('calling'),
    'timer-m': step('calling'),
  },
  proceeding: {
    '1xx': step('proceeding', 'pass-response'),
    '2xx': step('accepted', 'pass-response', 'start-timer-m'),
    '3xx-6xx': step('completed', 'send-ack', 'pass-response', 'start-timer-d'),
    // Timers A and B ended with the first response; nothing is being sent that could fail.
    'timer-a': step('proceeding'),
    'timer-b': step('proceeding'),
    'timer-d': step('proceeding'),
    'timer-m': step('proceeding'),
    'transport-error': step('proceeding'),
  },
  completed: {
    // RFC 3261 §17.1.1.2: the final response again means that our ACK was lost.
    '3xx-6xx': step('completed', 'send-ack'),
    'timer-d': step('terminated'),
    'transport-error': step('terminated', 'tell-transport-error'),
    '1xx': step('completed'),
    '2xx': step('completed'),
    'timer-a': step('completed'),
    'timer-b': step('completed'),
    'timer-m': step('completed'),
  },
  accepted: {
    // RFC 6026 §7.2: each 2xx goes up; the core sends its ACK again, or releases another fork.
    '2xx': step('accepted', 'pass-response'),
    'timer-m': step('terminated'),
    '1xx': step('accepted'),
    '3xx-6xx': step('accepted'),
    'timer-a': step('accepted'),
    'timer-b': step('accepted'),
    'timer-d': step('accepted'),
    'transport-error': step('accepted'),
  },
  terminated: {
    '1xx': step('terminated'),
    '2xx': step('terminated'),
    '3xx-6xx': step('terminated'),
    'timer-a': step('terminated'),
    'timer-b': step('terminated'),
    'timer-d': step('terminated'),
    'timer-m': step('terminated'),
    'transport-error': step('terminated'),
  },
};

/** INVITE client transaction: RFC 3261 §17.1.1 as updated by RFC 6026 §7.2. */
export function clientInviteNext(state: ClientInviteState, input: ClientInviteInput): Step {
  return TABLE[state][input];
}
