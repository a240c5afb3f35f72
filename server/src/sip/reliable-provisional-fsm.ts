import { step, type FsmStep } from './fsm-step.ts';

export const RELIABLE_STATES = ['idle', 'waiting', 'over'] as const;
export type ReliableState = (typeof RELIABLE_STATES)[number];

export const RELIABLE_INPUTS = ['send', 'prack', 'timer-repeat', 'timer-give-up', 'close'] as const;
export type ReliableInput = (typeof RELIABLE_INPUTS)[number];

export type ReliableEffect =
  'queue' | 'transmit' | 'repeat' | 'stop-timers' | 'send-next' | 'give-up';

type Step = FsmStep<ReliableState, ReliableEffect>;

const TABLE: Record<ReliableState, Record<ReliableInput, Step>> = {
  idle: {
    send: step('waiting', 'transmit'),
    prack: step('idle'),
    'timer-repeat': step('idle'),
    'timer-give-up': step('idle'),
    close: step('over', 'stop-timers'),
  },
  waiting: {
    // RFC 3262 §3: no second one before the first is acknowledged.
    send: step('waiting', 'queue'),
    prack: step('idle', 'stop-timers', 'send-next'),
    'timer-repeat': step('waiting', 'repeat'),
    // RFC 3262 §3: without a PRACK in 64*T1 the INVITE is refused.
    'timer-give-up': step('over', 'stop-timers', 'give-up'),
    close: step('over', 'stop-timers'),
  },
  over: {
    send: step('over'),
    prack: step('over'),
    'timer-repeat': step('over'),
    'timer-give-up': step('over'),
    close: step('over'),
  },
};

/** The provisional responses of one INVITE that must be acknowledged: RFC 3262 §3. */
export function reliableNext(state: ReliableState, input: ReliableInput): Step {
  return TABLE[state][input];
}
