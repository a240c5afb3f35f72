/** What the person at the phone wants from an appointment call. */
export type Persona = 'confirm' | 'cancel' | 'reschedule';

/** What the person does after hearing the agent. */
export interface PersonMove {
  /** Words to say; null: goes on listening. */
  say: string | null;
  /** The person puts the phone down after saying it. */
  hangUp: boolean;
}

interface Rule {
  /** What must have been heard. Matched against what a recogniser makes of a synthetic voice. */
  heard: RegExp;
  say: Record<Persona, string>;
  /** How often the rule may apply. */
  times: number;
  hangUp?: boolean;
}

const same = (text: string): Record<Persona, string> => ({
  confirm: text,
  cancel: text,
  reschedule: text,
});

/** In order: the first rule that applies and is not used up decides. */
const RULES: readonly Rule[] = [
  {
    heard: /\b(good ?bye|bye|take care|have a (nice|good|great|lovely) )/i,
    say: same('Goodbye.'),
    times: 1,
    hangUp: true,
  },
  { heard: /\banything else\b/i, say: same('No, thank you. Goodbye.'), times: 1 },
  {
    heard:
      /\b(what|which|another|new) (day|date|time)|\bwhen (would|do|can|works)|\bwhat would suit|\bbetter for you/i,
    say: same('Next Tuesday at three thirty in the afternoon.'),
    times: 3,
  },
  {
    heard: /\b(is that|that's|that is) (right|correct)|\bdid i (get|hear)|\bshall i\b/i,
    say: same('Yes, that is correct.'),
    times: 4,
  },
  {
    heard: /\b(are you sure|really want|want me to cancel|should i cancel)/i,
    say: same('Yes, please cancel it.'),
    times: 3,
  },
  {
    heard: /\b(confirm|appointment|cleaning|doctor|dr\.?|can you make|will you)\b/i,
    say: {
      confirm: 'Yes, that works for me.',
      cancel: 'No, I would like to cancel my appointment.',
      reschedule: 'I would like to reschedule my appointment.',
    },
    times: 3,
  },
  { heard: /\bare you (still )?there|\bhello\b/i, say: same('Yes, I am still here.'), times: 3 },
  {
    heard: /\b(catch|understand|repeat|say (that|it) again|pardon)/i,
    say: {
      confirm: 'Yes, I would like to confirm.',
      cancel: 'I would like to cancel my appointment.',
      reschedule: 'I would like to reschedule my appointment.',
    },
    times: 3,
  },
  { heard: /\?\s*$/, say: same('Yes, please.'), times: 3 },
];

/** What a person says who has heard nothing for a while, and at last. */
const PROMPTS_IN_SILENCE = ['Hello?', 'Hello, is anybody there?'];

/** The person's side of a conversation: decides by what was heard, remembers what was said. Pure. */
export class PersonScript {
  readonly #persona: Persona;
  readonly #used = new Map<Rule, number>();
  #silences = 0;

  constructor(persona: Persona) {
    this.#persona = persona;
  }

  /** @param heard one utterance of the agent, as understood; null: silence for a long while. */
  next(heard: string | null): PersonMove {
    if (heard === null) {
      const say = PROMPTS_IN_SILENCE[this.#silences++];
      return say === undefined ? { say: 'Goodbye.', hangUp: true } : { say, hangUp: false };
    }
    this.#silences = 0;
    const rule = RULES.find(
      (candidate) =>
        candidate.heard.test(heard) && (this.#used.get(candidate) ?? 0) < candidate.times,
    );
    if (!rule) return { say: null, hangUp: false };
    this.#used.set(rule, (this.#used.get(rule) ?? 0) + 1);
    return { say: rule.say[this.#persona], hangUp: rule.hangUp ?? false };
  }
}
