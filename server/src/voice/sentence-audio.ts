import { AsyncQueue } from '../shared/async-queue.ts';
import type { Clock } from '../shared/clock.ts';
import { ProviderError } from '../providers/provider-error.ts';
import type { TtsProvider } from '../providers/tts.ts';

export interface SpeakingVoice {
  tts: TtsProvider;
  voice: string;
  speed: number;
  clock: Clock;
  /** Told of each text that is sent to be synthesised. */
  onCharacters: (count: number) => void;
}

/** Chunks of one sentence that may wait; far more than a sentence has. */
const MAX_CHUNKS = 4_000;

/** The audio of one sentence, synthesised from the moment it is made. */
export class SentenceAudio {
  readonly text: string;
  /** Samples as they come. One reader. Throws what the synthesis threw. */
  readonly chunks: AsyncQueue<Int16Array> = new AsyncQueue(MAX_CHUNKS, 'refuse');
  /** Settles when the audio is complete; rejects with what the synthesis threw. */
  readonly complete: Promise<void>;
  readonly #voice: SpeakingVoice;
  #firstAudioAtMs: number | null = null;

  constructor(text: string, voice: SpeakingVoice, signal: AbortSignal) {
    this.text = text;
    this.#voice = voice;
    this.complete = this.#synthesize(signal);
    // Whoever reads `chunks` gets the error; nobody has to await `complete`.
    this.complete.catch(() => undefined);
  }

  /** Monotonic time of the first samples; null: none yet. */
  get firstAudioAtMs(): number | null {
    return this.#firstAudioAtMs;
  }

  async #synthesize(signal: AbortSignal): Promise<void> {
    this.#voice.onCharacters(this.text.length);
    try {
      try {
        await this.#stream(signal);
      } catch (error) {
        const again = error instanceof ProviderError && error.retryable;
        // Half a sentence cannot be taken back: only a voice that said nothing is asked again.
        if (!again || this.#firstAudioAtMs !== null || signal.aborted) throw error;
        await this.#stream(signal);
      }
      this.chunks.end();
    } catch (error) {
      this.chunks.fail(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  async #stream(signal: AbortSignal): Promise<void> {
    const { tts, voice, speed, clock } = this.#voice;
    for await (const samples of tts.synthesize({ text: this.text, voice, speed, signal })) {
      if (signal.aborted) return;
      this.#firstAudioAtMs ??= clock.monotonicMs();
      this.chunks.push(samples);
    }
  }
}
