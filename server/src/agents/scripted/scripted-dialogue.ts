import type { Clock } from '../../shared/clock.ts';
import type { CallerInput, Dialogue, DialogueReply, ReplyPart } from '../dialogue.ts';
import { splitSentences } from '../llm/sentence-chunker.ts';
import type { Script } from '../script-schema.ts';
import { renderVariables } from '../variables.ts';
import { PlannedReply } from '../planned-reply.ts';
import { scriptNext } from './script-fsm.ts';
import {
  initialScriptState,
  type RankedIntent,
  type ScriptInput,
  type ScriptState,
  type SlotReading,
} from './script-state.ts';
import { planIntents, planScript, type ScriptPlan } from './script-plan.ts';
import { isUndecided, parseYesNo, readSlot } from './slots.ts';

/** Ranks what an utterance can mean. */
export interface IntentRanker {
  /** Best first, scores 0 to 1. */
  match(text: string): RankedIntent[];
}

export interface ScriptedDialogueOptions {
  script: Script;
  variables: Readonly<Record<string, string>>;
  /** First words, before the start state's own. Null: the caller speaks first. */
  greeting: string | null;
  /** Asked after the first silence; empty: nothing. */
  silencePrompt: string;
  clock: Clock;
  /** IANA name of the zone that dates are meant in. */
  timeZone: string;
  createRanker(intents: { name: string; examples: string[]; patterns: string[] }[]): IntentRanker;
}

/** Longer than any answer; matching is linear in it. */
const MAX_HEARD_CHARS = 1_000;
/** A yes or no in so many words is the whole answer. */
const PLAIN_YES_NO_WORDS = 6;
const PLAIN_YES_NO_SCORE = 0.7;
const MAX_SLOT_DIGITS = 20;

/** Follows a script. Deterministic: no language model has a part in it. */
export class ScriptedDialogue implements Dialogue {
  readonly #plan: ScriptPlan;
  readonly #options: ScriptedDialogueOptions;
  readonly #ranker: IntentRanker;
  #state: ScriptState;
  /** The last committed reply and what it said. */
  #last: { reply: DialogueReply; sentences: readonly string[] } | null = null;

  constructor(options: ScriptedDialogueOptions) {
    this.#options = options;
    this.#plan = planScript(options.script);
    this.#ranker = options.createRanker(planIntents(options.script));
    this.#state = initialScriptState(this.#plan);
  }

  get expects(): { digits: boolean; dtmfMaxDigits: number } {
    const { phase } = this.#state;
    const state = this.#plan.states.get(this.#state.at);
    if (phase === 'ended' || state === undefined) return { digits: false, dtmfMaxDigits: 0 };
    if (phase === 'confirming') return { digits: false, dtmfMaxDigits: 1 };
    if (state.slot?.type === 'digits') {
      return { digits: true, dtmfMaxDigits: state.slot.length ?? MAX_SLOT_DIGITS };
    }
    return { digits: false, dtmfMaxDigits: state.dtmf.size > 0 ? 1 : 0 };
  }

  opening(): DialogueReply | null {
    if (this.#options.greeting === null) return null;
    const reply = this.#answer({ type: 'open', greeting: this.#options.greeting });
    reply.commit();
    return reply;
  }

  reply(input: CallerInput): DialogueReply {
    return this.#answer(input.type === 'dtmf' ? this.#readKeys(input.digits) : this.#read(input));
  }

  silence(count: number): DialogueReply | null {
    if (count < 1) return null;
    const prompt = this.#options.silencePrompt;
    if (count === 1 && prompt === '' && this.#state.phase !== 'ended') return null;
    return this.#answer({ type: 'silence', count, prompt });
  }

  heard(reply: DialogueReply, text: string, interrupted: boolean): void {
    // News of an earlier reply says nothing about the question that is out now.
    if (reply !== this.#last?.reply) return;
    if (!interrupted) {
      // It had been cut off, and was said to its end after all.
      this.#state = { ...this.#state, cutOff: 'no' };
      return;
    }
    const { sentences } = this.#last;
    const saidChars = sentences.join(' ').length;
    const questionChars = sentences.at(-1)?.length ?? 0;
    const heardQuestion = text.trim().length >= saidChars - questionChars / 2;
    this.#state = { ...this.#state, cutOff: heardQuestion ? 'in-question' : 'before-question' };
  }

  outcome(): Record<string, unknown> {
    const { at, slots, intents, outcome, phase, endReason } = this.#state;
    return {
      outcome: outcome ?? 'unfinished',
      slots: Object.fromEntries(Object.entries(slots).map(([name, { value }]) => [name, value])),
      intents: [...intents],
      state: at,
      finished: phase === 'ended',
      ...(endReason === null ? {} : { end_reason: endReason }),
    };
  }

  #answer(input: ScriptInput): PlannedReply {
    const step = scriptNext(this.#plan, this.#state, input);
    const values = this.#valuesOf(step.state);
    const parts = step.parts.flatMap((part): ReplyPart[] => {
      if (part.type !== 'say') return [part];
      const { text } = renderVariables(part.template, values);
      return splitSentences(text).map((sentence) => ({ type: 'say', text: sentence }));
    });
    const sentences = parts.flatMap((part) => (part.type === 'say' ? [part.text] : []));
    const reply: PlannedReply = new PlannedReply(parts, () => {
      this.#state = step.state;
      this.#last = { reply, sentences };
    });
    return reply;
  }

  #valuesOf(state: ScriptState): Record<string, string> {
    const values = { ...this.#options.variables };
    for (const [name, { spoken }] of Object.entries(state.slots)) values[name] = spoken;
    if (state.pending !== null) values['value'] = state.pending.spoken;
    return values;
  }

  #read(input: Extract<CallerInput, { type: 'speech' }>): ScriptInput {
    const text = input.text.slice(0, MAX_HEARD_CHARS).replaceAll('\u2019', "'").trim();
    const wordCount = text === '' ? 0 : text.split(/\s+/).length;
    return {
      type: 'speech',
      intents: text === '' ? [] : this.#rank(text, wordCount),
      slot: this.#readSlot(text),
      confidence: input.confidence,
      wordCount,
    };
  }

  #readKeys(digits: string): ScriptInput {
    const type = this.#plan.states.get(this.#state.at)?.slot?.type;
    const slot: SlotReading =
      type === 'digits' ? this.#readSlot(digits.replaceAll(/[^0-9]/g, '')) : { status: 'none' };
    return { type: 'dtmf', digits, slot };
  }

  #readSlot(text: string): SlotReading {
    const slot = this.#plan.states.get(this.#state.at)?.slot;
    if (!slot) return { status: 'none' };
    return readSlot(slot, text, this.#state.partial, {
      nowMs: this.#options.clock.now(),
      timeZone: this.#options.timeZone,
    });
  }

  /** The ranker's opinion; a short plain yes or no is never left to similarity. */
  #rank(text: string, wordCount: number): RankedIntent[] {
    const ranked = this.#ranker
      .match(text)
      .filter(({ name }) => (name !== 'yes' && name !== 'no') || !isUndecided(text));
    const answer = wordCount <= PLAIN_YES_NO_WORDS ? parseYesNo(text) : null;
    if (
      answer === null ||
      ranked.some(({ name, score }) => name === answer && score >= PLAIN_YES_NO_SCORE)
    ) {
      return ranked;
    }
    return [
      ...ranked.filter(({ name }) => name !== answer),
      { name: answer, score: PLAIN_YES_NO_SCORE },
    ].sort((a, b) => b.score - a.score);
  }
}
