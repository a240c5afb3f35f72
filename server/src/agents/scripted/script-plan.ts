import type { Script } from '../script-schema.ts';
import {
  BUILT_IN_GLOBALS,
  BUILT_IN_INTENTS,
  type GlobalReaction,
  type IntentDefinition,
} from './built-in-intents.ts';

type ScriptStateDocument = Script['states'][string];

export interface PlannedTransition {
  next: string;
  say: readonly string[];
  set: Readonly<Record<string, string>>;
  outcome: string | null;
}

export interface PlannedReaction {
  say: readonly string[];
  set: Readonly<Record<string, string>>;
  afterwards:
    | { type: 'go'; next: string }
    | { type: 'end'; reason: string; outcome: string | null }
    | { type: 'ask-again' }
    | { type: 'say-again' }
    | { type: 'wait' };
}

export interface PlannedState {
  /** Variants of what is said on entering; empty: nothing. */
  say: readonly string[];
  expects: ReadonlyMap<string, PlannedTransition>;
  slot: ScriptStateDocument['slot'] | null;
  dtmf: ReadonlyMap<string, string>;
  /** `You can also press 1 to confirm, or 2 to cancel.`; null: no keys. */
  keyOffer: string | null;
  reprompts: readonly string[];
  maxReprompts: number;
  fallback: string | null;
  note: { name: string; data: Readonly<Record<string, string>> } | null;
  end: { reason: string; outcome: string | null } | null;
}

/** A script with everything that it leaves out filled in. */
export interface ScriptPlan {
  start: string;
  states: ReadonlyMap<string, PlannedState>;
  globals: ReadonlyMap<string, PlannedReaction>;
  thresholds: { lowConfidence: number; sureConfidence: number; intentScore: number };
}

/** The intents that a script's caller can be understood to have. */
export function planIntents(
  script: Script,
): { name: string; examples: string[]; patterns: string[] }[] {
  const definitions: Record<string, IntentDefinition> = { ...BUILT_IN_INTENTS, ...script.intents };
  return Object.entries(definitions).map(([name, { examples, patterns }]) => ({
    name,
    examples: [...examples],
    patterns: [...(patterns ?? [])],
  }));
}

/** Brings a valid script into the form that the state machine runs on. */
export function planScript(script: Script): ScriptPlan {
  const globals = new Map<string, PlannedReaction>();
  for (const [name, reaction] of Object.entries({ ...BUILT_IN_GLOBALS, ...script.globals })) {
    if (reaction !== null) globals.set(name, planReaction(reaction));
  }
  const states = new Map(
    Object.entries(script.states).map(([name, state]) => [name, planState(script, state)]),
  );
  return {
    start: script.start,
    states,
    globals,
    thresholds: {
      lowConfidence: script.thresholds.low_confidence,
      sureConfidence: script.thresholds.sure_confidence,
      intentScore: script.thresholds.intent_score,
    },
  };
}

function planReaction(reaction: GlobalReaction): PlannedReaction {
  const say = variants(reaction.say);
  const set = reaction.set ?? {};
  if (reaction.next !== undefined)
    return { say, set, afterwards: { type: 'go', next: reaction.next } };
  if (reaction.end !== undefined) {
    const { reason, outcome } = reaction.end;
    return { say, set, afterwards: { type: 'end', reason, outcome: outcome ?? null } };
  }
  return { say, set, afterwards: { type: reaction.afterwards ?? 'ask-again' } };
}

function planState(script: Script, state: ScriptStateDocument): PlannedState {
  const dtmf = new Map(
    Object.entries(state.dtmf).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : value.intent,
    ]),
  );
  return {
    say: variants(state.say),
    expects: new Map(
      Object.entries(state.expects).map(([intent, transition]) => [
        intent,
        planTransition(transition),
      ]),
    ),
    slot: state.slot ?? null,
    dtmf,
    keyOffer: offerOfKeys(state.dtmf),
    reprompts: state.reprompts,
    maxReprompts: state.max_reprompts,
    fallback: state.fallback ?? script.fallback ?? null,
    note: state.on_enter ? { name: state.on_enter.note, data: state.on_enter.data } : null,
    end: state.end ? { reason: state.end.reason, outcome: state.end.outcome ?? null } : null,
  };
}

function planTransition(transition: ScriptStateDocument['expects'][string]): PlannedTransition {
  if (typeof transition === 'string') return { next: transition, say: [], set: {}, outcome: null };
  return {
    next: transition.next,
    say: variants(transition.say),
    set: transition.set ?? {},
    outcome: transition.outcome ?? null,
  };
}

function variants(say: string | string[] | undefined): readonly string[] {
  if (say === undefined) return [];
  return typeof say === 'string' ? [say] : say;
}

function offerOfKeys(dtmf: ScriptStateDocument['dtmf']): string | null {
  const offers = Object.entries(dtmf).map(([key, value]) =>
    typeof value === 'string'
      ? `${spokenKey(key)} for ${value.replaceAll(/[-_]/g, ' ')}`
      : `${spokenKey(key)} ${value.offer}`,
  );
  const last = offers.pop();
  if (last === undefined) return null;
  return `You can also press ${offers.length === 0 ? last : `${offers.join(', ')}, or ${last}`}.`;
}

function spokenKey(key: string): string {
  if (key === '*') return 'star';
  return key === '#' ? 'pound' : key;
}
