import type { Caller, TurnMeasure, Utterance } from './caller.ts';

export interface TalkerOptions {
  utterances: readonly Utterance[];
  /** Which one comes first, so that callers do not speak in chorus. */
  firstUtterance: number;
  turns: number;
}

/** Silence of the agent after which the caller takes the turn. */
const POLITE_PAUSE_MS = 700;
/** An answer that takes longer is none. */
const ANSWER_TIMEOUT_MS = 8_000;
/** Nobody waits for a greeting for ever. */
const GREETING_TIMEOUT_MS = 10_000;

/** Waits until the agent has finished, says a sentence, and measures how long the answer takes. */
export class Talker implements Caller {
  readonly turns: TurnMeasure[] = [];
  readonly #options: TalkerOptions;
  #state: 'listening' | 'speaking' | 'awaiting' | 'done' = 'listening';
  /** The caller may speak only after the agent has said something new. */
  #agentSpoke = false;
  #agentLastAudibleMs = 0;
  #listeningSinceMs: number | null = null;
  #utterance: Utterance | null = null;
  #frame = 0;
  #cutOff = false;
  #finishedAtMs = 0;

  constructor(options: TalkerOptions) {
    this.#options = options;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  nextFrame(nowMs: number): Uint8Array | null {
    switch (this.#state) {
      case 'listening':
        this.#listeningSinceMs ??= nowMs;
        if (!this.#maySpeak(nowMs)) return null;
        this.#begin();
        return this.#speak(nowMs);
      case 'speaking':
        return this.#speak(nowMs);
      case 'awaiting':
        if (nowMs - this.#finishedAtMs > ANSWER_TIMEOUT_MS) this.#record('unanswered', null);
        return null;
      case 'done':
        return null;
    }
  }

  heard(nowMs: number, audible: boolean): void {
    if (!audible) return;
    this.#agentSpoke = true;
    this.#agentLastAudibleMs = nowMs;
    if (this.#state === 'speaking') this.#cutOff = true;
    if (this.#state === 'awaiting') this.#record('answered', nowMs - this.#finishedAtMs);
  }

  #maySpeak(nowMs: number): boolean {
    const since = this.#listeningSinceMs ?? nowMs;
    if (!this.#agentSpoke) return nowMs - since > GREETING_TIMEOUT_MS;
    return nowMs - this.#agentLastAudibleMs >= POLITE_PAUSE_MS;
  }

  #begin(): void {
    const { utterances, firstUtterance } = this.#options;
    this.#utterance = utterances[(firstUtterance + this.turns.length) % utterances.length] ?? null;
    this.#frame = 0;
    this.#cutOff = false;
    this.#agentSpoke = false;
    this.#state = 'speaking';
  }

  #speak(nowMs: number): Uint8Array | null {
    const frames = this.#utterance?.frames ?? [];
    const frame = frames[this.#frame++] ?? null;
    if (this.#frame >= frames.length) {
      this.#finishedAtMs = nowMs;
      this.#state = 'awaiting';
      if (this.#cutOff) this.#record('cut-off', null);
    }
    return frame;
  }

  #record(result: TurnMeasure['result'], latencyMs: number | null): void {
    this.turns.push({ utterance: this.#utterance?.name ?? '', result, latencyMs });
    this.#state = this.turns.length >= this.#options.turns ? 'done' : 'listening';
    this.#listeningSinceMs = null;
    // An agent that gave no answer will not begin by itself.
    if (result === 'unanswered') this.#agentSpoke = true;
  }
}
