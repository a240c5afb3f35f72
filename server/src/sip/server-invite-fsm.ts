import { step, type FsmStep } from './fsm-step.ts';

export const SERVER_INVITE_STATES = [
  'proceeding',
  'completed',
  'confirmed',
  'accepted',
  'terminated',
] as const;
export type ServerInviteState = (typeof SERVER_INVITE_STATES)[number];

export const SERVER_INVITE_INPUTS = [
  'request',
  'ack',
  'send-1xx',
  'send-2xx',
  'send-3xx-6xx',
  'timer-g',
  'timer-h',
  'timer-i',
  'timer-l',
  'transport-error',
] as const;
export type ServerInviteInput = (typeof SERVER_INVITE_INPUTS)[number];

export type ServerInviteEffect =
  | 'send-response'
  | 'resend-response'
  | 'start-timers-g-h'
  | 'rearm-timer-g'
  | 'stop-timers-g-h'
  | 'start-timer-i'
  | 'start-timer-l'
  | 'pass-ack'
  | 'tell-timeout'
  | 'tell-transport-error';

type Step = FsmStep<ServerInviteState, ServerInviteEffect>;

const TABLE: Record<ServerInviteState, Record<ServerInviteInput, Step>> = {
  proceeding: {
    // RFC 3261 §17.2.1: the request again gets the newest provisional response again.
    request: step('proceeding', 'resend-response'),
    'send-1xx': step('proceeding', 'send-response'),
    'send-2xx': step('accepted', 'send-response', 'start-timer-l'),
    'send-3xx-6xx': step('completed', 'send-response', 'start-timers-g-h'),
    // RFC 6026 §8.8: a failed provisional is told to the core, which may still answer.
    'transport-error': step('proceeding', 'tell-transport-error'),
    ack: step('proceeding'),
    'timer-g': step('proceeding'),
    'timer-h': step('proceeding'),
    'timer-i': step('proceeding'),
    'timer-l': step('proceeding'),
  },
  completed: {
    request: step('completed', 'resend-response'),
    'timer-g': step('completed', 'resend-response', 'rearm-timer-g'),
    ack: step('confirmed', 'stop-timers-g-h', 'start-timer-i'),
    'timer-h': step('terminated', 'stop-timers-g-h', 'tell-timeout'),
    // RFC 6026 §7.1: told to the core; the retransmissions may still get through.
    'transport-error': step('completed', 'tell-transport-error'),
    'send-1xx': step('completed'),
    'send-2xx': step('completed'),
    'send-3xx-6xx': step('completed'),
    'timer-i': step('completed'),
    'timer-l': step('completed'),
  },
  // RFC 3261 §17.2.1: Confirmed absorbs further ACKs until timer I.
  confirmed: {
    request: step('confirmed'),
    ack: step('confirmed'),
    'send-1xx': step('confirmed'),
    'send-2xx': step('confirmed'),
    'send-3xx-6xx': step('confirmed'),
    'timer-g': step('confirmed'),
    'timer-h': step('confirmed'),
    'timer-i': step('terminated'),
    'timer-l': step('confirmed'),
    'transport-error': step('confirmed'),
  },
  accepted: {
    // RFC 6026 §7.1: the core retransmits its 2xx by handing it down again.
    'send-2xx': step('accepted', 'send-response'),
    ack: step('accepted', 'pass-ack'),
    'timer-l': step('terminated'),
    'transport-error': step('accepted', 'tell-transport-error'),
    // RFC 6026 §7.1: a retransmitted INVITE is absorbed, not answered.
    request: step('accepted'),
    'send-1xx': step('accepted'),
    'send-3xx-6xx': step('accepted'),
    'timer-g': step('accepted'),
    'timer-h': step('accepted'),
    'timer-i': step('accepted'),
  },
  terminated: {
    request: step('terminated'),
    ack: step('terminated'),
    'send-1xx': step('terminated'),
    'send-2xx': step('terminated'),
    'send-3xx-6xx': step('terminated'),
    'timer-g': step('terminated'),
    'timer-h': step('terminated'),
    'timer-i': step('terminated'),
    'timer-l': step('terminated'),
    'transport-error': step('terminated'),
  },
};

/** INVITE server transaction: RFC 3261 §17.2.1 as updated by RFC 6026 §7.1. */
export function serverInviteNext(state: ServerInviteState, input: ServerInviteInput): Step {
  return TABLE[state][input];
}
