import { describe, expect, it } from 'vitest';
import {
  INITIAL,
  registrationStep,
  type RegistrationEffect,
  type RegistrationEvent,
  type RegistrationState,
} from './registration-fsm.ts';

function answer(
  status: number,
  over: Partial<Extract<RegistrationEvent, { type: 'response' }>> = {},
): RegistrationEvent {
  return {
    type: 'response',
    status,
    grantedS: null,
    minExpiresS: null,
    retryAfterS: null,
    ...over,
  };
}

/** Runs events and returns the last state and what each asked for. */
function run(events: RegistrationEvent[]): {
  state: RegistrationState;
  effects: RegistrationEffect[][];
} {
  let state = INITIAL;
  const effects = events.map((event) => {
    const step = registrationStep(state, event);
    state = step.state;
    return step.effects;
  });
  return { state, effects };
}

describe('a registration', () => {
  it('T34 is refreshed at 85 % of the time that was granted', () => {
    const { state, effects } = run([
      { type: 'start' },
      answer(200, { grantedS: 60 }),
      { type: 'timer' },
      answer(200, { grantedS: 3_600 }),
    ]);
    expect(state.phase).toBe('registered');
    expect(effects).toEqual([
      [{ type: 'register', expiresS: 3_600 }],
      [{ type: 'schedule', afterMs: 51_000 }],
      [{ type: 'register', expiresS: 3_600 }],
      [{ type: 'schedule', afterMs: 3_060_000 }],
    ]);
  });

  it('T34 RFC 3261 §10.2.8: asks for as long as a 423 wants, and no longer than a day', () => {
    const { effects } = run([
      { type: 'start' },
      answer(423, { minExpiresS: 7_200 }),
      answer(423, { minExpiresS: 7_200 }),
      answer(423, { minExpiresS: 1_000_000 }),
    ]);
    expect(effects.slice(1)).toEqual([
      [{ type: 'register', expiresS: 7_200 }],
      [{ type: 'schedule', afterMs: 5_000 }],
      [{ type: 'schedule', afterMs: 10_000 }],
    ]);
  });

  it('T34 waits longer and longer while the registrar is away, as long as that says', () => {
    const { state, effects } = run([
      { type: 'start' },
      answer(408),
      answer(503),
      answer(500),
      answer(408),
      answer(408),
      answer(503, { retryAfterS: 120 }),
    ]);
    expect(state.phase).toBe('waiting');
    expect(effects.slice(1).map(([effect]) => effect)).toEqual(
      [5, 10, 20, 60, 60, 120].map((s) => ({ type: 'schedule', afterMs: s * 1000 })),
    );
    const back = registrationStep(state, answer(200, { grantedS: 60 }));
    expect(back.state).toMatchObject({ phase: 'registered', failures: 0 });
  });

  it.each([401, 403, 404])('T34 does not hammer a registrar that says %i', (status) => {
    const { state, effects } = run([{ type: 'start' }, answer(status), answer(status)]);
    expect(state.phase).toBe('rejected');
    expect(effects.slice(1)).toEqual([
      [{ type: 'schedule', afterMs: 60_000 }],
      [{ type: 'schedule', afterMs: 120_000 }],
    ]);
  });

  it('takes its binding away when it stops, where it has one', () => {
    expect(run([{ type: 'start' }, { type: 'stop' }]).effects[1]).toEqual([]);
    expect(run([{ type: 'start' }, answer(200), { type: 'stop' }]).effects[2]).toEqual([
      { type: 'register', expiresS: 0 },
    ]);
  });
});
