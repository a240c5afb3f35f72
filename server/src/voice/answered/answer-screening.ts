import { soundsLikeSomebodyCame } from './answer-phrases.ts';
import type { LineActions, MachineTactic } from './machine-tactic.ts';

export interface AnswerScreeningOptions {
  /** Who is calling and why. */
  answer: string;
  actions: LineActions;
  /** What the assistant has said already. */
  heard: string;
  sinceAnswer: (monotonicMs: number) => number;
  startedMs: number;
}

/** What the assistant wants to know. */
const ASKS =
  /\b(?:name|who|why|reason|purpose|calling about|what is (?:this|it)|repeat|again|sorry)\b/i;
/** Silence behind the question. */
const QUESTION_OVER_MS = 600;
/** Silence in which the assistant waits, whatever it was understood to say. */
const WAITS_MS = 2_000;
const MOST_ANSWERS = 3;
const LONGEST_STAY_MS = 60_000;

/** Tells a call-screening assistant who is calling and why, and waits for the person. */
export class AnswerScreening implements MachineTactic {
  readonly #options: AnswerScreeningOptions;
  #question: string;
  #answers = 0;
  #isSpeaking = false;
  /** The first answer has not been heard yet. */
  #isFirst = false;
  #over = false;

  constructor(options: AnswerScreeningOptions) {
    this.#options = options;
    this.#question = options.heard;
    options.actions.prepare(options.answer);
  }

  frame({ nowMs, silenceMs }: { nowMs: number; silenceMs: number }): void {
    if (this.#over) return;
    if (nowMs - this.#options.startedMs >= LONGEST_STAY_MS) {
      this.#over = true;
      this.#options.actions.endWith('call-screening', null);
      return;
    }
    const isAsked = this.#answers === 0 ? silenceMs >= WAITS_MS : false;
    if (isAsked || (silenceMs >= QUESTION_OVER_MS && ASKS.test(this.#question))) this.#answer();
  }

  tone(): void {
    // Some beep before they listen; the answer waits for silence anyway.
  }

  said(text: string, endedMs: number): void {
    if (this.#over) return;
    // Its first words may still be those of the assistant: "Hello. Who is calling, please?"
    if (this.#answers > 0 && soundsLikeSomebodyCame(text)) {
      this.#over = true;
      this.#options.actions.report({ personMs: this.#options.sinceAnswer(endedMs) });
      this.#options.actions.greet();
      return;
    }
    this.#question = text;
    if (ASKS.test(text)) this.#answer();
  }

  agentHeard(nowMs: number): void {
    this.#isSpeaking = true;
    if (!this.#isFirst) return;
    this.#isFirst = false;
    this.#options.actions.report({ screeningAnsweredMs: this.#options.sinceAnswer(nowMs) });
  }

  agentDone(): void {
    this.#isSpeaking = false;
  }

  close(): void {
    this.#over = true;
  }

  #answer(): void {
    if (this.#isSpeaking || this.#answers >= MOST_ANSWERS) return;
    this.#question = '';
    this.#isSpeaking = true;
    if (this.#answers++ === 0) this.#isFirst = true;
    this.#options.actions.say(this.#options.answer);
  }
}
