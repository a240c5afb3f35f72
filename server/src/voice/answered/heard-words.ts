import type { Clock } from '../../shared/clock.ts';
import type { FarSpeech } from './far-speech.ts';

/** Speech after which the words of somebody who goes on are looked at, and again after as much. */
const LOOK_AFTER_MS = 1_600;
/** Silence behind words that nobody else has asked for. */
const LOOK_IN_SILENCE_MS = 260;
/** Speech that may follow what is known: the end of a word. */
const MAY_FOLLOW_MS = 260;
const MOST_LOOKS = 12;
const MOST_UTTERANCES = 40;

/** What the utterance that is being said, or was said last, says so far. */
export type TranscribeNow = (signal: AbortSignal) => Promise<{ utteranceId: string; text: string }>;

/** The words of the far end's first utterances, as far as they are known. */
export class HeardWords {
  readonly #clock: Clock;
  readonly #transcribe: TranscribeNow;
  readonly #isBusy: () => boolean;
  readonly #closing = new AbortController();
  /** By utterance, in order. */
  readonly #texts = new Map<string, string>();
  /** Up to when the words are known. */
  #knownMs: number | null = null;
  #isAsking = false;
  #looks = 0;
  #lookedAtSpeechMs = 0;
  #lost = false;

  /** @param isBusy a turn waits for its words, which come here as well. */
  constructor(clock: Clock, transcribe: TranscribeNow, isBusy: () => boolean) {
    this.#isBusy = isBusy;
    this.#clock = clock;
    this.#transcribe = transcribe;
  }

  /** Everything that is known; null: nothing. */
  get text(): string | null {
    const all = [...this.#texts.values()].filter((text) => text !== '');
    if (all.length > 0) return all.join(' ');
    return this.#knownMs === null ? null : '';
  }

  /** The last words that were said are not known yet. */
  isBehind(speech: FarSpeech): boolean {
    if (speech.lastMs === null || this.#lost) return false;
    return this.#knownMs === null || speech.lastMs - this.#knownMs > MAY_FOLLOW_MS;
  }

  add(utteranceId: string, text: string, askedMs: number): void {
    if (this.#texts.size >= MOST_UTTERANCES && !this.#texts.has(utteranceId)) return;
    this.#texts.set(utteranceId, text.trim());
    this.#knownMs = Math.max(this.#knownMs ?? 0, askedMs);
  }

  /** Asks for words that no turn has asked for: of a long greeting, or of one that ended. */
  askIfUnknown(speech: FarSpeech, onKnown: () => void): void {
    if (this.#isAsking || this.#looks >= MOST_LOOKS || speech.lastMs === null) return;
    if (!this.isBehind(speech) || this.#isBusy()) return;
    const silenceMs = speech.silenceMs(this.#clock.monotonicMs());
    const isLong = speech.speechMs - this.#lookedAtSpeechMs >= LOOK_AFTER_MS;
    if (silenceMs >= LOOK_IN_SILENCE_MS || isLong) void this.#look(speech.speechMs, onKnown);
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort();
  }

  async #look(speechMs: number, onKnown: () => void): Promise<void> {
    const { signal } = this.#closing;
    this.#isAsking = true;
    this.#looks++;
    this.#lookedAtSpeechMs = speechMs;
    const askedMs = this.#clock.monotonicMs();
    try {
      const { utteranceId, text } = await this.#transcribe(signal);
      if (signal.aborted) return;
      // A turn may have asked meanwhile and know more.
      if (this.#knownMs === null || this.#knownMs < askedMs) this.add(utteranceId, text, askedMs);
    } catch {
      // Without a recogniser the length of what is said decides alone.
      this.#lost = true;
    } finally {
      this.#isAsking = false;
    }
    if (!signal.aborted) onKnown();
  }
}
