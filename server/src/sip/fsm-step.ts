/** What a state machine answers to an input: the state that follows and what must be done, in order. */
export interface FsmStep<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** A step. */
export function step<State, Effect>(state: State, ...effects: Effect[]): FsmStep<State, Effect> {
  return { state, effects };
}
