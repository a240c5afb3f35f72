import { step, type FsmStep } from './fsm-step.ts';

/** `sent`: no final answer to the REFER yet; `subscribed`: its outcome is awaited. */
export const REFER_STATES = ['sent', 'subscribed', 'done'] as const;
export type ReferState = (typeof REFER_STATES)[number];

export const REFER_INPUTS = [
  /** 2xx: the far side tries, and tells (RFC 3515 §2.4.4). */
  'accepted',
  /** 2xx with `Refer-Sub: false`: it tries, and does not tell (RFC 4488 §4). */
  'accepted-quiet',
  'refused',
  /** NOTIFY with a 1xx. */
  'progress',
  /** NOTIFY with a final status. */
  'final',
  /** NOTIFY that ends the subscription without a final status. */
  'unsubscribed',
  'timeout',
  /** The dialog is over. */
  'gone',
] as const;
export type ReferInput = (typeof REFER_INPUTS)[number];

export type ReferEffect =
  'wait' | 'tell-refused' | 'tell-final' | 'tell-quiet' | 'tell-silent' | 'tell-gone';

type Step = FsmStep<ReferState, ReferEffect>;

const done = (effect: ReferEffect): Step => step('done', effect);

const TABLE: Record<ReferState, Record<ReferInput, Step>> = {
  sent: {
    accepted: step('subscribed', 'wait'),
    'accepted-quiet': done('tell-quiet'),
    refused: done('tell-refused'),
    // RFC 6665 §4.1.2.4: a NOTIFY may be faster than the answer.
    progress: step('subscribed', 'wait'),
    final: done('tell-final'),
    unsubscribed: done('tell-silent'),
    timeout: done('tell-silent'),
    gone: done('tell-gone'),
  },
  subscribed: {
    accepted: step('subscribed'),
    'accepted-quiet': done('tell-quiet'),
    refused: done('tell-refused'),
    progress: step('subscribed', 'wait'),
    final: done('tell-final'),
    unsubscribed: done('tell-silent'),
    timeout: done('tell-silent'),
    gone: done('tell-gone'),
  },
  done: {
    accepted: step('done'),
    'accepted-quiet': step('done'),
    refused: step('done'),
    progress: step('done'),
    final: step('done'),
    unsubscribed: step('done'),
    timeout: step('done'),
    gone: step('done'),
  },
};

/** Life of a REFER of ours with the subscription that it implies: RFC 3515 §2.4. Pure. */
export function referNext(state: ReferState, input: ReferInput): Step {
  return TABLE[state][input];
}
