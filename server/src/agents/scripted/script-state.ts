import type { ScriptPlan } from './script-plan.ts';

/**
 * `waiting`: the caller speaks first; `asking`: the state's question is out; `confirming`: a slot
 * was read back; `ended`: the goodbye is being said, though the caller may still interrupt it.
 */
export type ScriptPhase = 'waiting' | 'asking' | 'confirming' | 'ended';

/** Where the caller took the floor from the agent's last words. */
export type CutOff = 'no' | 'in-question' | 'before-question';

/** A slot's value, and how it is said. */
export interface SlotFill {
  value: string;
  spoken: string;
}

/** What an answer says about the slot that was asked for. */
export type SlotReading =
  | { status: 'none' }
  | { status: 'filled'; fill: SlotFill }
  /** A part is known; `ask` is for the rest. */
  | { status: 'partial'; partial: string; ask: string }
  /** Understood, but it cannot be: `say` why. */
  | { status: 'invalid'; say: string };

export interface RankedIntent {
  name: string;
  score: number;
}

export type ScriptInput =
  | { type: 'open'; greeting: string | null }
  | {
      type: 'speech';
      /** Best first. */
      intents: readonly RankedIntent[];
      slot: SlotReading;
      confidence: number;
      wordCount: number;
    }
  | { type: 'dtmf'; digits: string; slot: SlotReading }
  | { type: 'silence'; count: number; prompt: string };

export interface ScriptState {
  phase: ScriptPhase;
  /** The state whose question the caller answers. */
  at: string;
  /** Read back, awaiting a yes. */
  pending: SlotFill | null;
  /** The part of a slot that is known. */
  partial: string | null;
  /** Answers in a row that were not understood here. */
  reprompts: number;
  /** Global reactions in a row that led nowhere. */
  detours: number;
  /** Whether the last words were cut off, and if so, before or after the question was heard. */
  cutOff: CutOff;
  /** The last words asked whether the caller is still there, and nothing else. */
  askedPresence: boolean;
  slots: Readonly<Record<string, SlotFill>>;
  intents: readonly string[];
  /** How often each state was entered; picks the variant. */
  visits: Readonly<Record<string, number>>;
  lastSaid: readonly string[];
  outcome: string | null;
  endReason: string | null;
}

/** Texts are templates of variables and slots. */
export type ScriptPart =
  | { type: 'say'; template: string }
  | { type: 'note'; name: string; data: Record<string, string> }
  | { type: 'end-call'; reason: string };

export interface ScriptStep {
  state: ScriptState;
  parts: readonly ScriptPart[];
}

/** The conversation before its first word. */
export function initialScriptState(plan: ScriptPlan): ScriptState {
  return {
    phase: 'waiting',
    at: plan.start,
    pending: null,
    partial: null,
    reprompts: 0,
    detours: 0,
    cutOff: 'no',
    askedPresence: false,
    slots: {},
    intents: [],
    visits: {},
    lastSaid: [],
    outcome: null,
    endReason: null,
  };
}
