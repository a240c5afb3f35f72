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

/**
 * Life of a dialog made by INVITE: RFC 3261 §12. `learn-remote` takes tag, route set and target of
 * the message; `gone` is a request answered 408 or 481, or a 2xx that nobody acknowledged.
 */
export function dialogNext(state: DialogState, input: DialogInput): Step {
  switch (state) {
    case 'none':
      return fromNone(input);
    case 'early':
      return fromEarly(input);
    case 'confirmed':
      return fromConfirmed(input);
    case 'terminated':
      return step('terminated');
  }
}

function fromNone(input: DialogInput): Step {
  switch (input) {
    // RFC 3261 §12.1: a 101-199 with a To tag makes an early dialog.
    case 'provisional-with-tag':
      return step('early', 'learn-remote');
    case '2xx':
      return step('confirmed', 'learn-remote');
    case 'failure':
    case 'gone':
      return step('terminated', 'end');
    case 'bye-sent':
    case 'bye-received':
      return step('none');
  }
}

function fromEarly(input: DialogInput): Step {
  switch (input) {
    case 'provisional-with-tag':
      return step('early', 'refresh-target');
    // RFC 3261 §13.2.2.4: the route set is taken anew from the 2xx.
    case '2xx':
      return step('confirmed', 'learn-remote');
    // RFC 3261 §12.3 and §15: a non-2xx final, or a BYE of the caller, ends an early dialog.
    case 'failure':
    case 'gone':
    case 'bye-sent':
    case 'bye-received':
      return step('terminated', 'end');
  }
}

function fromConfirmed(input: DialogInput): Step {
  switch (input) {
    // RFC 3261 §12.2: the 2xx of a target refresh request changes the target, never the route set.
    case '2xx':
      return step('confirmed', 'refresh-target');
    case 'bye-sent':
    case 'bye-received':
    case 'gone':
      return step('terminated', 'end');
    case 'provisional-with-tag':
    case 'failure':
      return step('confirmed');
  }
}
