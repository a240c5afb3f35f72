import type { BargeInMeasure, Caller, Utterance } from './caller.ts';

export interface InterrupterOptions {
  utterances: readonly Utterance[];
  firstUtterance: number;
  rounds: number;
}

/** How far into the agent's sentence the caller begins. */
const INTO_SENTENCE_MS = 1_500;
/** A pause of the agent that ends a sentence. */
const SENTENCE_PAUSE_MS = 500;
/** Silence that counts as stopped. */
const STOPPED_MS = 200;
/** Audible this shortly before the onset: the agent was speaking. */
const SPEAKING_MS = 60;
/** An agent that says nothing for so long is asked to go on. */
const PROMPT_AFTER_MS = 6_000;

/** Speaks 1.5 s into the agent's sentences and measures when they stop. */
export class Interrupter implements Caller {
  readonly bargeIns: BargeInMeasure[] = [];
  readonly #options: InterrupterOptions;
  #state: 'listening' | 'speaking' | 'prompting' | 'done' = 'listening';
  #agentLastAudibleMs: number | null = null;
  #sentenceSinceMs = 0;
  #quietSinceMs: number | null = null;
  #spoken = 0;
  #utterance: Utterance | null = null;
  #frame = 0;
  #onsetMs = 0;
  #wasSpeaking = false;
  #stoppedAtMs: number | null = null;
  #resumed = false;

  constructor(options: InterrupterOptions) {
    this.#options = options;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  nextFrame(nowMs: number): Uint8Array | null {
    switch (this.#state) {
      case 'listening':
        return this.#listen(nowMs);
      case 'speaking':
      case 'prompting':
        return this.#speak(nowMs);
      case 'done':
        return null;
    }
  }

  heard(nowMs: number, audible: boolean): void {
    const last = this.#agentLastAudibleMs;
    if (this.#state === 'speaking') this.#judgeSilence(nowMs);
    if (!audible) return;
    if (last === null || nowMs - last > SENTENCE_PAUSE_MS) this.#sentenceSinceMs = nowMs;
    if (this.#state === 'speaking' && this.#stoppedAtMs !== null) this.#resumed = true;
    this.#agentLastAudibleMs = nowMs;
    this.#quietSinceMs = null;
  }

  #listen(nowMs: number): Uint8Array | null {
    const last = this.#agentLastAudibleMs;
    const audible = last !== null && nowMs - last < SPEAKING_MS;
    if (audible && nowMs - this.#sentenceSinceMs >= INTO_SENTENCE_MS) {
      this.#begin(nowMs, 'speaking');
      return this.#speak(nowMs);
    }
    if (!audible) {
      this.#quietSinceMs ??= nowMs;
      if (nowMs - this.#quietSinceMs > PROMPT_AFTER_MS) {
        this.#begin(nowMs, 'prompting');
        return this.#speak(nowMs);
      }
    }
    return null;
  }

  #begin(nowMs: number, state: 'speaking' | 'prompting'): void {
    const { utterances, firstUtterance } = this.#options;
    this.#utterance = utterances[(firstUtterance + this.#spoken++) % utterances.length] ?? null;
    this.#state = state;
    this.#frame = 0;
    this.#onsetMs = nowMs;
    this.#wasSpeaking = nowMs - (this.#agentLastAudibleMs ?? -Infinity) < SPEAKING_MS;
    this.#stoppedAtMs = null;
    this.#resumed = false;
    this.#quietSinceMs = null;
  }

  /** The last audible packet before 200 ms without one is where the agent stopped. */
  #judgeSilence(nowMs: number): void {
    const last = this.#agentLastAudibleMs;
    if (this.#stoppedAtMs === null && last !== null && nowMs - last >= STOPPED_MS) {
      this.#stoppedAtMs = last;
    }
  }

  #speak(nowMs: number): Uint8Array | null {
    const frames = this.#utterance?.frames ?? [];
    const frame = frames[this.#frame++] ?? null;
    if (this.#state === 'speaking') this.#judgeSilence(nowMs);
    // The last words may fall within the 200 ms that tell whether the agent has stopped.
    if (this.#frame < frames.length + STOPPED_MS / 20) return frame;
    if (this.#state === 'speaking') this.#record();
    if (!this.done) this.#state = 'listening';
    // What the agent says next is a new sentence.
    this.#sentenceSinceMs = nowMs;
    return frame;
  }

  #record(): void {
    this.bargeIns.push({ utterance: this.#utterance?.name ?? '', ...this.#outcome() });
    const measured = this.bargeIns.filter((one) => one.result !== 'paused').length;
    if (measured >= this.#options.rounds) this.#state = 'done';
  }

  #outcome(): Pick<BargeInMeasure, 'result' | 'reactionMs'> {
    if (!this.#wasSpeaking) return { result: 'paused', reactionMs: null };
    if (this.#stoppedAtMs === null) return { result: 'not-stopped', reactionMs: null };
    const reactionMs = this.#stoppedAtMs - this.#onsetMs;
    // Silence that had begun before the first word is a pause between the agent's own words.
    if (reactionMs <= 0) return { result: 'paused', reactionMs: null };
    return { result: this.#resumed ? 'resumed' : 'stopped', reactionMs };
  }
}
