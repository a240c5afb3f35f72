import { step, type FsmStep } from './fsm-step.ts';

export const DIALOG_STATES = ['none', 'early', 'confirmed', 'terminated'] as const;
export type DialogState = (typeof DIALOG_STATES)[number];

export const DIALOG_INPUTS = [
  'provisional-with-tag',
  '2xx',
  'failure',
  'bye-sent',
  'bye-received',
  'gone',
] as const;
export type DialogInput = (typeof DIALOG_INPUTS)[number];

export type DialogEffect = 'learn-remote' | 'refresh-target' | 'end';

type Step = FsmStep<DialogState, DialogEffect>;

const TABLE: Record<DialogState, Record<DialogInput, Step>> = {
  none: {
    // RFC 3261 §12.1: a 101-199 with a To tag makes an early dialog.
    'provisional-with-tag': step('early', 'learn-remote'),
    '2xx': step('confirmed', 'learn-remote'),
    failure: step('terminated', 'end'),
    gone: step('terminated', 'end'),
    'bye-sent': step('none'),
    'bye-received': step('none'),
  },
  early: {
    'provisional-with-tag': step('early', 'refresh-target'),
    // RFC 3261 §13.2.2.4: the route set is taken anew from the 2xx.
    '2xx': step('confirmed', 'learn-remote'),
    // RFC 3261 §12.3 and §15: a non-2xx final, or a BYE of the caller, ends an early dialog.
    failure: step('terminated', 'end'),
    gone: step('terminated', 'end'),
    'bye-sent': step('terminated', 'end'),
    'bye-received': step('terminated', 'end'),
  },
  confirmed: {
    // RFC 3261 §12.2: the 2xx of a target refresh request changes the target, never the route set.
    '2xx': step('confirmed', 'refresh-target'),
    'bye-sent': step('terminated', 'end'),
    'bye-received': step('terminated', 'end'),
    gone: step('terminated', 'end'),
    'provisional-with-tag': step('confirmed'),
    failure: step('confirmed'),
  },
  terminated: {
    'provisional-with-tag': step('terminated'),
    '2xx': step('terminated'),
    failure: step('terminated'),
    'bye-sent': step('terminated'),
    'bye-received': step('terminated'),
    gone: step('terminated'),
  },
};

/**
 * Life of a dialog made by INVITE: RFC 3261 §12. `learn-remote` takes tag, route set and target of
 * the message; `gone` is a request answered 408 or 481, or a 2xx that nobody acknowledged.
 */
export function dialogNext(state: DialogState, input: DialogInput): Step {
  return TABLE[state][input];
}
