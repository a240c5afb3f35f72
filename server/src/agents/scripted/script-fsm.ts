import type { PlannedReaction, PlannedState, ScriptPlan } from './script-plan.ts';
import type {
  ScriptInput,
  ScriptPart,
  ScriptState,
  ScriptStep,
  SlotReading,
} from './script-state.ts';

type Speech = Extract<ScriptInput, { type: 'speech' }>;
type Keys = Extract<ScriptInput, { type: 'dtmf' }>;

const NOT_HEARD = 'Sorry, I did not catch that.';
const NOT_UNDERSTOOD = 'Sorry, I did not understand.';
const TOO_LONG = 'Sorry, I understand short answers best.';
const GIVE_UP = 'I am sorry, I could not understand you. Goodbye.';
const NOBODY_THERE = 'I cannot hear you. I will end the call now. Goodbye.';
const CLOSING = 'Goodbye.';
const CONFIRM_KEYS = 'You can also press 1 for yes, or 2 for no.';

const PRESENT: PlannedReaction = { say: [], set: {}, afterwards: { type: 'ask-again' } };

/** Longer speech is a story, a greeting or a recording; only a sure intent is taken from it. */
const LONG_SPEECH_WORDS = 30;
const SURE_INTENT_SCORE = 0.9;
/** Below this an intent ends no call and decides no outcome. */
const FIRM_INTENT_SCORE = 0.7;
/** An intent above this is more likely than an answer taken down word by word. */
const FREE_TEXT_INTENT_SCORE = 0.75;
/** Detours in a row until the state gives up: an echo would otherwise go on for ever. */
const MAX_DETOURS = 6;
const MAX_SILENCES = 3;
const MAX_INTENTS_KEPT = 100;

/** One turn: what the input does to the conversation and what the agent says to it. */
export function scriptNext(plan: ScriptPlan, state: ScriptState, input: ScriptInput): ScriptStep {
  return new Turn(plan, state).take(input);
}

/** Builds up one step; lives for the length of `scriptNext`. */
class Turn {
  readonly #plan: ScriptPlan;
  #state: ScriptState;
  readonly #says: string[] = [];
  readonly #notes: Extract<ScriptPart, { type: 'note' }>[] = [];
  #endCall: string | null = null;

  constructor(plan: ScriptPlan, state: ScriptState) {
    this.#plan = plan;
    this.#state = state;
  }

  take(input: ScriptInput): ScriptStep {
    switch (input.type) {
      case 'open':
        this.#say(input.greeting === null ? [] : [input.greeting]);
        this.#enter(this.#plan.start);
        break;
      case 'speech':
        this.#hear(input);
        break;
      case 'dtmf':
        this.#keys(input);
        break;
      case 'silence':
        this.#silence(input.count, input.prompt);
        break;
    }
    return this.#finish(input);
  }

  #finish(input: ScriptInput): ScriptStep {
    // The question "are you there" is not what "say that again" is about.
    const lastSaid =
      this.#says.length > 0 && input.type !== 'silence' ? [...this.#says] : this.#state.lastSaid;
    const parts: ScriptPart[] = this.#says.map((template) => ({ type: 'say', template }));
    parts.push(...this.#notes);
    if (this.#endCall !== null) parts.push({ type: 'end-call', reason: this.#endCall });
    const askedPresence =
      input.type === 'silence' && this.#says.length === 1 && this.#says[0] === input.prompt;
    return { state: { ...this.#state, lastSaid, cutOff: 'no', askedPresence }, parts };
  }

  #hear(input: Speech): void {
    const intent = this.#pickIntent(input);
    if (this.#saysOnlyThere(input)) {
      this.#react(PRESENT);
      return;
    }
    switch (this.#state.phase) {
      case 'waiting':
        if (intent !== null && intent !== 'hello' && this.#reactTo(intent)) return;
        this.#enter(this.#state.at);
        return;
      case 'asking':
        this.#hearAnswer(input, intent);
        return;
      case 'confirming':
        this.#hearConfirmation(input, intent);
        return;
      case 'ended':
        // "Wait, cancel it" said over the goodbye still counts.
        if (intent !== null && intent !== 'goodbye' && intent !== 'hello' && intent !== 'no') {
          if (this.#reactTo(intent)) return;
        }
        this.#endAgain();
        return;
    }
  }

  /** "Yes" to "are you still there?" answers that and not the question before it. */
  #saysOnlyThere(input: Speech): boolean {
    if (!this.#state.askedPresence || this.#state.phase === 'ended') return false;
    if (input.slot.status !== 'none' && this.#current().slot?.type !== 'yes-no') return false;
    const [best] = input.intents;
    return best?.name === 'yes' && best.score >= this.#plan.thresholds.intentScore;
  }

  #hearAnswer(input: Speech, intent: string | null): void {
    const { thresholds } = this.#plan;
    if (input.confidence < thresholds.lowConfidence && !this.#isSure(input, intent)) {
      this.#reprompt(NOT_HEARD);
      return;
    }
    // A "yes?" into the greeting answers the phone, not a question that nobody has heard.
    if (this.#state.cutOff === 'before-question' && (intent === 'yes' || intent === 'no')) {
      this.#reprompt(NOT_HEARD);
      return;
    }
    const slotGoesFirst = input.slot.status !== 'none' && !this.#intentBeatsSlot(input, intent);
    if (slotGoesFirst) this.#fill(input.slot, input.confidence < thresholds.sureConfidence);
    else if (intent === null || !this.#reactTo(intent)) {
      this.#reprompt(input.wordCount > LONG_SPEECH_WORDS ? TOO_LONG : NOT_UNDERSTOOD);
    }
  }

  #hearConfirmation(input: Speech, intent: string | null): void {
    const best = input.intents[0];
    const answer =
      best !== undefined && best.score >= this.#plan.thresholds.intentScore ? best.name : null;
    if (answer === 'yes') {
      this.#acceptPending();
    } else if (input.slot.status === 'filled' && !this.#intentBeatsSlot(input, intent)) {
      // "No, Wednesday": the correction and the refusal in one.
      this.#fill(input.slot, true);
    } else if (answer === 'no') {
      this.#refusePending();
    } else if (intent === null || !this.#reactTo(intent)) {
      this.#reprompt(
        input.confidence < this.#plan.thresholds.lowConfidence ? NOT_HEARD : NOT_UNDERSTOOD,
      );
    }
  }

  #keys(input: Keys): void {
    const key =
      input.digits.replace(/#$/, '') === '' ? input.digits : input.digits.replace(/#$/, '');
    if (this.#state.phase === 'confirming') {
      if (input.slot.status === 'filled' && key.length > 1) this.#fill(input.slot, true);
      else if (key === '1') this.#acceptPending();
      else if (key === '2') this.#refusePending();
      else this.#reprompt(NOT_UNDERSTOOD);
      return;
    }
    const state = this.#current();
    // A key pressed twice is one choice, unless a number is being keyed in.
    const first = state.slot?.type === 'digits' ? undefined : state.dtmf.get(key.charAt(0));
    const intent = state.dtmf.get(key) ?? first;
    if (intent !== undefined && this.#reactTo(intent)) return;
    if (this.#state.phase === 'ended') this.#endAgain();
    else if (input.slot.status === 'none') this.#reprompt(NOT_UNDERSTOOD);
    else this.#fill(input.slot, false);
  }

  #silence(count: number, prompt: string): void {
    if (this.#state.phase === 'ended') {
      this.#endAgain();
      return;
    }
    if (count >= MAX_SILENCES) {
      this.#say([NOBODY_THERE]);
      this.#end('no-input', this.#state.outcome ?? 'no-input');
      return;
    }
    if (prompt !== '') this.#say([prompt]);
    if (count > 1 && this.#state.phase !== 'waiting') {
      this.#ask();
      this.#offerKeys();
    }
  }

  /** The intent that was meant, of those that mean something here; null: none. */
  #pickIntent(input: Speech): string | null {
    const threshold =
      input.wordCount > LONG_SPEECH_WORDS ? SURE_INTENT_SCORE : this.#plan.thresholds.intentScore;
    const expects = this.#current().expects;
    // A bare "yes" where it answers nothing resembles many an intent, and decides none of them.
    const isStrayYes = input.intents[0]?.name === 'yes' && !expects.has('yes');
    const intents = isStrayYes
      ? input.intents.filter(({ name }) => expects.has(name) && !this.#isFinal(name))
      : input.intents;
    const meant = intents.find(
      ({ name, score }) =>
        score >= (this.#isFinal(name) ? Math.max(threshold, FIRM_INTENT_SCORE) : threshold) &&
        (expects.has(name) || this.#plan.globals.has(name)),
    );
    if (meant === undefined || expects.has(meant.name)) return meant?.name ?? null;
    // On equal terms the question that was asked explains the answer better than a global.
    const rival = intents.find(({ name, score }) => score >= meant.score && expects.has(name));
    return rival?.name ?? meant.name;
  }

  /** Whether it decides what comes of the call: a resemblance is not enough for that. */
  #isFinal(intent: string): boolean {
    const transition = this.#current().expects.get(intent);
    if (transition !== undefined) return transition.outcome !== null;
    return this.#plan.globals.get(intent)?.afterwards.type === 'end';
  }

  #isSure(input: Speech, intent: string | null): boolean {
    return input.intents.some(({ name, score }) => name === intent && score >= SURE_INTENT_SCORE);
  }

  #intentBeatsSlot(input: Speech, intent: string | null): boolean {
    if (intent === null) return false;
    const score = input.intents.find(({ name }) => name === intent)?.score ?? 0;
    const type = this.#current().slot?.type;
    const bar = type === 'text' || type === 'name' ? FREE_TEXT_INTENT_SCORE : SURE_INTENT_SCORE;
    // "No" answers a yes-or-no slot, whatever else it may be an intent of.
    return score >= bar && !(type === 'yes-no' && (intent === 'yes' || intent === 'no'));
  }

  /** @returns false when the intent means nothing here. */
  #reactTo(intent: string): boolean {
    const transition = this.#current().expects.get(intent);
    const reaction = this.#plan.globals.get(intent);
    if (transition === undefined && reaction === undefined) return false;
    this.#note('intent', { intent, state: this.#state.at });
    this.#state = {
      ...this.#state,
      intents: [...this.#state.intents, intent].slice(-MAX_INTENTS_KEPT),
    };
    if (transition !== undefined) {
      this.#setSlots(transition.set);
      if (transition.outcome !== null)
        this.#state = { ...this.#state, outcome: transition.outcome };
      this.#say(this.#variant(transition.say));
      this.#enter(transition.next);
    } else if (reaction !== undefined) {
      this.#react(reaction);
    }
    return true;
  }

  #react(reaction: PlannedReaction): void {
    this.#setSlots(reaction.set);
    this.#say(this.#variant(reaction.say));
    const { afterwards } = reaction;
    switch (afterwards.type) {
      case 'go':
        this.#enter(afterwards.next);
        return;
      case 'end':
        this.#end(afterwards.reason, afterwards.outcome);
        return;
      case 'ask-again':
      case 'say-again':
      case 'wait':
        break;
    }
    this.#state = { ...this.#state, detours: this.#state.detours + 1 };
    if (this.#state.detours > MAX_DETOURS) this.#giveUp();
    else if (this.#state.phase === 'ended') this.#endAgain();
    else if (this.#state.phase === 'waiting') this.#enter(this.#state.at);
    else if (afterwards.type === 'say-again' && this.#state.lastSaid.length > 0)
      this.#say(this.#state.lastSaid);
    else if (afterwards.type !== 'wait') this.#ask();
  }

  #fill(reading: SlotReading, unsure: boolean): void {
    const { slot } = this.#current();
    if (!slot) {
      this.#reprompt(NOT_UNDERSTOOD);
      return;
    }
    switch (reading.status) {
      case 'none':
        this.#reprompt(NOT_UNDERSTOOD);
        return;
      case 'invalid':
        this.#reprompt(reading.say);
        return;
      case 'partial':
        this.#state = { ...this.#state, partial: reading.partial, phase: 'asking', pending: null };
        this.#detourAsk(reading.ask);
        return;
      case 'filled':
        break;
    }
    this.#state = { ...this.#state, pending: reading.fill, reprompts: 0, detours: 0 };
    if (slot.confirm === 'always' || (slot.confirm === 'when-unsure' && unsure)) {
      this.#state = { ...this.#state, phase: 'confirming' };
      this.#ask();
    } else {
      this.#acceptPending();
    }
  }

  /** Asks for the other half; counted, so that halves cannot go on for ever. */
  #detourAsk(ask: string): void {
    this.#state = { ...this.#state, detours: this.#state.detours + 1 };
    if (this.#state.detours > MAX_DETOURS) this.#giveUp();
    else this.#say([ask]);
  }

  #acceptPending(): void {
    const { slot } = this.#current();
    const { pending } = this.#state;
    if (!slot || pending === null) {
      this.#reprompt(NOT_UNDERSTOOD);
      return;
    }
    this.#state = { ...this.#state, slots: { ...this.#state.slots, [slot.name]: pending } };
    if (slot.outcome !== undefined) this.#state = { ...this.#state, outcome: slot.outcome };
    this.#note('slot', { name: slot.name, value: pending.value });
    this.#enter(slot.next);
  }

  #refusePending(): void {
    this.#state = { ...this.#state, phase: 'asking', pending: null, partial: null };
    // A value that is refused again and again is a failure like any other.
    this.#reprompt('Sorry. Let us try again.');
  }

  #enter(name: string): void {
    const planned = this.#stateNamed(name);
    const visits = this.#state.visits[name] ?? 0;
    if (planned.note !== null) this.#note(planned.note.name, { ...planned.note.data });
    const said = planned.say[visits % Math.max(1, planned.say.length)];
    if (said !== undefined) this.#say([said]);
    this.#state = { ...this.#state, visits: { ...this.#state.visits, [name]: visits + 1 } };
    if (planned.end !== null) {
      this.#end(planned.end.reason, planned.end.outcome);
      return;
    }
    this.#state = {
      ...this.#state,
      phase: 'asking',
      at: name,
      pending: null,
      partial: null,
      reprompts: 0,
      detours: 0,
      endReason: null,
    };
  }

  #end(reason: string, outcome: string | null): void {
    this.#state = {
      ...this.#state,
      phase: 'ended',
      pending: null,
      outcome: outcome ?? this.#state.outcome,
      endReason: reason,
    };
    this.#endCall = reason;
  }

  #endAgain(): void {
    this.#say([CLOSING]);
    this.#endCall = this.#state.endReason ?? 'agent-goodbye';
  }

  #reprompt(apology: string): void {
    if (this.#state.phase === 'waiting') {
      // Nothing was asked yet, so there is nothing to be sorry for.
      this.#enter(this.#state.at);
      return;
    }
    if (this.#state.cutOff !== 'no' && this.#state.detours < MAX_DETOURS) {
      // An answer to half a question is no failure of the caller's.
      this.#state = { ...this.#state, detours: this.#state.detours + 1 };
      this.#ask();
      return;
    }
    const state = this.#current();
    const count = this.#state.reprompts + 1;
    this.#state = { ...this.#state, reprompts: count };
    if (count > state.maxReprompts) {
      this.#giveUp();
      return;
    }
    const own = this.#state.phase === 'asking' ? state.reprompts[count - 1] : undefined;
    if (own === undefined) {
      this.#say([apology]);
      this.#ask();
    } else {
      this.#say([own]);
    }
    if (count > 1) this.#offerKeys();
  }

  #giveUp(): void {
    const { fallback } = this.#current();
    // A fallback that fails itself would lead back to itself.
    if (fallback !== null && fallback !== this.#state.at) {
      this.#enter(fallback);
      return;
    }
    this.#say([GIVE_UP]);
    this.#end('no-input', this.#state.outcome ?? 'not-understood');
  }

  /** The question as it stands: the state's own, or the one that reads a slot back. */
  #ask(): void {
    const state = this.#current();
    if (this.#state.phase === 'confirming' && state.slot) {
      this.#say([state.slot.confirm_say]);
      return;
    }
    const visits = Math.max(0, (this.#state.visits[this.#state.at] ?? 1) - 1);
    const said = state.say[visits % Math.max(1, state.say.length)];
    if (said !== undefined) this.#say([said]);
  }

  #offerKeys(): void {
    if (this.#state.phase === 'confirming') this.#say([CONFIRM_KEYS]);
    else {
      const { keyOffer } = this.#current();
      if (keyOffer !== null) this.#say([keyOffer]);
    }
  }

  #variant(variants: readonly string[]): string[] {
    const said = variants[this.#state.intents.length % Math.max(1, variants.length)];
    return said === undefined ? [] : [said];
  }

  #setSlots(set: Readonly<Record<string, string>>): void {
    const added = Object.entries(set);
    if (added.length === 0) return;
    const slots = { ...this.#state.slots };
    for (const [name, value] of added) {
      slots[name] = { value, spoken: value };
      this.#note('slot', { name, value });
    }
    this.#state = { ...this.#state, slots };
  }

  #say(templates: readonly string[]): void {
    this.#says.push(...templates);
  }

  #note(name: string, data: Record<string, string>): void {
    this.#notes.push({ type: 'note', name, data });
  }

  #current(): PlannedState {
    return this.#stateNamed(this.#state.at);
  }

  #stateNamed(name: string): PlannedState {
    const state = this.#plan.states.get(name);
    if (state === undefined) throw new Error(`there is no state named '${name}'`);
    return state;
  }
}
