import { describe, expect, it } from 'vitest';
import {
  CLIENT_INVITE_INPUTS,
  CLIENT_INVITE_STATES,
  clientInviteNext,
} from './client-invite-fsm.ts';
import {
  CLIENT_NON_INVITE_INPUTS,
  CLIENT_NON_INVITE_STATES,
  clientNonInviteNext,
} from './client-non-invite-fsm.ts';
import { DIALOG_INPUTS, DIALOG_STATES, dialogNext } from './dialog-fsm.ts';
import {
  SERVER_INVITE_INPUTS,
  SERVER_INVITE_STATES,
  serverInviteNext,
} from './server-invite-fsm.ts';
import {
  SERVER_NON_INVITE_INPUTS,
  SERVER_NON_INVITE_STATES,
  serverNonInviteNext,
} from './server-non-invite-fsm.ts';

/** Every pair that changes the state or does something; a pair that is missing must do neither. */
function effectiveRows<State extends string, Input extends string>(
  states: readonly State[],
  inputs: readonly Input[],
  next: (state: State, input: Input) => { state: State; effects: readonly string[] },
): string[] {
  return states.flatMap((state) =>
    inputs.flatMap((input) => {
      const { state: to, effects } = next(state, input);
      if (to === state && effects.length === 0) return [];
      return [`${state} + ${input} -> ${to}: ${effects.join(' ')}`.trimEnd()];
    }),
  );
}

describe('transaction and dialog tables', () => {
  it('T08 RFC 3261 §17.1.1, RFC 6026 §7.2: INVITE client', () => {
    expect(effectiveRows(CLIENT_INVITE_STATES, CLIENT_INVITE_INPUTS, clientInviteNext)).toEqual([
      'calling + 1xx -> proceeding: stop-timers-a-b pass-response',
      'calling + 2xx -> accepted: stop-timers-a-b pass-response start-timer-m',
      'calling + 3xx-6xx -> completed: stop-timers-a-b send-ack pass-response start-timer-d',
      'calling + timer-a -> calling: resend-request rearm-timer-a',
      'calling + timer-b -> terminated: stop-timers-a-b tell-timeout',
      'calling + transport-error -> terminated: stop-timers-a-b tell-transport-error',
      'proceeding + 1xx -> proceeding: pass-response',
      'proceeding + 2xx -> accepted: pass-response start-timer-m',
      'proceeding + 3xx-6xx -> completed: send-ack pass-response start-timer-d',
      'completed + 3xx-6xx -> completed: send-ack',
      'completed + timer-d -> terminated:',
      'completed + transport-error -> terminated: tell-transport-error',
      'accepted + 2xx -> accepted: pass-response',
      'accepted + timer-m -> terminated:',
    ]);
  });

  it('T08 RFC 3261 §17.1.2: non-INVITE client', () => {
    const rows = effectiveRows(
      CLIENT_NON_INVITE_STATES,
      CLIENT_NON_INVITE_INPUTS,
      clientNonInviteNext,
    );
    expect(rows).toEqual([
      'trying + 1xx -> proceeding: pass-response',
      'trying + final -> completed: stop-timers-e-f pass-response start-timer-k',
      'trying + timer-e -> trying: resend-request rearm-timer-e',
      'trying + timer-f -> terminated: stop-timers-e-f tell-timeout',
      'trying + transport-error -> terminated: stop-timers-e-f tell-transport-error',
      'proceeding + 1xx -> proceeding: pass-response',
      'proceeding + final -> completed: stop-timers-e-f pass-response start-timer-k',
      'proceeding + timer-e -> proceeding: resend-request rearm-timer-e-at-t2',
      'proceeding + timer-f -> terminated: stop-timers-e-f tell-timeout',
      'proceeding + transport-error -> terminated: stop-timers-e-f tell-transport-error',
      'completed + timer-k -> terminated:',
    ]);
  });

  it('T09 RFC 3261 §17.2.1, RFC 6026 §7.1: INVITE server', () => {
    expect(effectiveRows(SERVER_INVITE_STATES, SERVER_INVITE_INPUTS, serverInviteNext)).toEqual([
      'proceeding + request -> proceeding: resend-response',
      'proceeding + send-1xx -> proceeding: send-response',
      'proceeding + send-2xx -> accepted: send-response start-timer-l',
      'proceeding + send-3xx-6xx -> completed: send-response start-timers-g-h',
      'proceeding + transport-error -> proceeding: tell-transport-error',
      'completed + request -> completed: resend-response',
      'completed + ack -> confirmed: stop-timers-g-h start-timer-i',
      'completed + timer-g -> completed: resend-response rearm-timer-g',
      'completed + timer-h -> terminated: stop-timers-g-h tell-timeout',
      'completed + transport-error -> completed: tell-transport-error',
      'confirmed + timer-i -> terminated:',
      'accepted + ack -> accepted: pass-ack',
      'accepted + send-2xx -> accepted: send-response',
      'accepted + timer-l -> terminated:',
      'accepted + transport-error -> accepted: tell-transport-error',
    ]);
  });

  it('T09 RFC 3261 §17.2.2: non-INVITE server', () => {
    const rows = effectiveRows(
      SERVER_NON_INVITE_STATES,
      SERVER_NON_INVITE_INPUTS,
      serverNonInviteNext,
    );
    expect(rows).toEqual([
      'trying + send-1xx -> proceeding: send-response',
      'trying + send-final -> completed: send-response start-timer-j',
      'trying + transport-error -> terminated: tell-transport-error',
      'proceeding + request -> proceeding: resend-response',
      'proceeding + send-1xx -> proceeding: send-response',
      'proceeding + send-final -> completed: send-response start-timer-j',
      'proceeding + transport-error -> terminated: tell-transport-error',
      'completed + request -> completed: resend-response',
      'completed + timer-j -> terminated:',
      'completed + transport-error -> terminated: tell-transport-error',
    ]);
  });

  it('RFC 3261 §12: dialog', () => {
    expect(effectiveRows(DIALOG_STATES, DIALOG_INPUTS, dialogNext)).toEqual([
      'none + provisional-with-tag -> early: learn-remote',
      'none + 2xx -> confirmed: learn-remote',
      'none + failure -> terminated: end',
      'none + gone -> terminated: end',
      'early + provisional-with-tag -> early: refresh-target',
      'early + 2xx -> confirmed: learn-remote',
      'early + failure -> terminated: end',
      'early + bye-sent -> terminated: end',
      'early + bye-received -> terminated: end',
      'early + gone -> terminated: end',
      'confirmed + 2xx -> confirmed: refresh-target',
      'confirmed + bye-sent -> terminated: end',
      'confirmed + bye-received -> terminated: end',
      'confirmed + gone -> terminated: end',
    ]);
  });
});
