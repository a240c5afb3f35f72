import type { Ears } from './ears.ts';
import type { Transcript } from '../providers/stt.ts';
import { judgeInterruption, type InterruptionRule } from './interruption.ts';

export interface FloorContestOptions {
  ears: Ears;
  rule: InterruptionRule;
  expectDigits: boolean;
  /** What the agent still has to say, milliseconds; null: not known. */
  agentRemainingMs: () => number | null;
  onConfirmed: () => void;
  onRefused: () => void;
  /** What was recognised of it `ageMs` of speech ago. */
  onText: (text: string, ageMs: number) => void;
}

/** More speech than this since the recogniser was asked, and its words are out of date. */
const STALE_AFTER_MS = 100;

/** One suspected barge-in, from holding the agent's breath to the verdict. */
export class FloorContest {
  readonly #options: FloorContestOptions;
  readonly #abort = new AbortController();
  #speechMs = 0;
  #silenceMs = 0;
  #text: string | null = null;
  #askedAtSpeechMs = 0;
  #asking = false;
  #isDeaf = false;
  #decided = false;

  constructor(options: FloorContestOptions) {
    this.#options = options;
  }

  /** The next judged frame of the caller. */
  update(speechMs: number, silenceMs: number): void {
    this.#speechMs = speechMs;
    this.#silenceMs = silenceMs;
    this.#judge();
  }

  /** Forgets the question. Idempotent. */
  close(): void {
    this.#decided = true;
    this.#abort.abort();
  }

  #judge(): void {
    if (this.#decided) return;
    const { rule, agentRemainingMs } = this.#options;
    const stale = this.#speechMs > this.#askedAtSpeechMs + STALE_AFTER_MS;
    const verdict = judgeInterruption(
      {
        speechMs: this.#speechMs,
        silenceMs: this.#silenceMs,
        text: this.#text,
        isStale: stale,
        isDeaf: this.#isDeaf,
        agentRemainingMs: agentRemainingMs(),
      },
      rule,
    );
    if (verdict === 'wait') return;
    if (verdict === 'transcribe') {
      if (!this.#asking) void this.#ask();
      return;
    }
    this.close();
    if (verdict === 'confirm') this.#options.onConfirmed();
    else this.#options.onRefused();
  }

  async #ask(): Promise<void> {
    const { ears, expectDigits } = this.#options;
    const { signal } = this.#abort;
    this.#asking = true;
    this.#askedAtSpeechMs = this.#speechMs;
    let text = '';
    try {
      text = wordsIn(await ears.transcribe({ expectDigits, signal }));
    } catch {
      this.#isDeaf = true;
    }
    this.#asking = false;
    if (signal.aborted) return;
    if (this.#isDeaf) {
      this.#judge();
      return;
    }
    this.#text = text;
    this.#options.onText(text, this.#speechMs - this.#askedAtSpeechMs);
    this.#judge();
  }
}

/** What a recogniser makes of coughs and noise, none too surely. */
const OUT_OF_NOISE = /^(?:thank you|thanks|you|bye)[.!]*$/i;
const SURE = 0.75;

function wordsIn({ text, confidence }: Transcript): string {
  return confidence < SURE && OUT_OF_NOISE.test(text.trim()) ? '' : text;
}
