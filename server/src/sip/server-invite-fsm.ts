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

/** INVITE server transaction: RFC 3261 §17.2.1 as updated by RFC 6026 §7.1. */
export function serverInviteNext(state: ServerInviteState, input: ServerInviteInput): Step {
  switch (state) {
    case 'proceeding':
      return fromProceeding(input);
    case 'completed':
      return fromCompleted(input);
    // RFC 3261 §17.2.1: Confirmed absorbs further ACKs until timer I.
    case 'confirmed':
      return input === 'timer-i' ? step('terminated') : step('confirmed');
    case 'accepted':
      return fromAccepted(input);
    case 'terminated':
      return step('terminated');
  }
}

function fromProceeding(input: ServerInviteInput): Step {
  switch (input) {
    // RFC 3261 §17.2.1: the request again gets the newest provisional response again.
    case 'request':
      return step('proceeding', 'resend-response');
    case 'send-1xx':
      return step('proceeding', 'send-response');
    case 'send-2xx':
      return step('accepted', 'send-response', 'start-timer-l');
    case 'send-3xx-6xx':
      return step('completed', 'send-response', 'start-timers-g-h');
    // RFC 6026 §8.8: a failed provisional is told to the core, which may still answer.
    case 'transport-error':
      return step('proceeding', 'tell-transport-error');
    case 'ack':
    case 'timer-g':
    case 'timer-h':
    case 'timer-i':
    case 'timer-l':
      return step('proceeding');
  }
}

function fromCompleted(input: ServerInviteInput): Step {
  switch (input) {
    case 'request':
      return step('completed', 'resend-response');
    case 'timer-g':
      return step('completed', 'resend-response', 'rearm-timer-g');
    case 'ack':
      return step('confirmed', 'stop-timers-g-h', 'start-timer-i');
    case 'timer-h':
      return step('terminated', 'stop-timers-g-h', 'tell-timeout');
    // RFC 6026 §7.1: told to the core; the retransmissions may still get through.
    case 'transport-error':
      return step('completed', 'tell-transport-error');
    case 'send-1xx':
    case 'send-2xx':
    case 'send-3xx-6xx':
    case 'timer-i':
    case 'timer-l':
      return step('completed');
  }
}

function fromAccepted(input: ServerInviteInput): Step {
  switch (input) {
    // RFC 6026 §7.1: the core retransmits its 2xx by handing it down again.
    case 'send-2xx':
      return step('accepted', 'send-response');
    case 'ack':
      return step('accepted', 'pass-ack');
    case 'timer-l':
      return step('terminated');
    case 'transport-error':
      return step('accepted', 'tell-transport-error');
    // RFC 6026 §7.1: a retransmitted INVITE is absorbed, not answered.
    case 'request':
    case 'send-1xx':
    case 'send-3xx-6xx':
    case 'timer-g':
    case 'timer-h':
    case 'timer-i':
      return step('accepted');
  }
}
