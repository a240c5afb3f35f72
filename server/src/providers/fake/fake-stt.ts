import type { Clock } from '../../shared/clock.ts';
import { ProviderError } from '../provider-error.ts';
import type { SttProvider, SttSession, Transcript } from '../stt.ts';

export interface FakeSttOptions {
  clock: Clock;
  /** Time to a transcript. Default 0. */
  latencyMs?: number;
  /**
   * Handed out in turn, one an utterance, from the beginning again after the last; asked again
   * within an utterance, the same one is given.
   * Default: "Hello." every time.
   */
  transcripts?: readonly string[];
}

const NAME = 'fake-stt';
const DEFAULT_TRANSCRIPT = 'Hello.';

/** A recogniser that takes its time and knows what it will hear; each session starts with the first. */
export function createFakeStt(options: FakeSttOptions): SttProvider {
  return { name: NAME, open: () => new FakeSttSession(options) };
}

class FakeSttSession implements SttSession {
  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #transcripts: readonly string[];
  readonly #closing = new AbortController();
  #text: string | undefined;
  #utterances = 0;
  #sampleCount = 0;

  constructor({ clock, latencyMs = 0, transcripts = [] }: FakeSttOptions) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#transcripts = transcripts;
  }

  begin(): void {
    this.#text = undefined;
    this.#sampleCount = 0;
  }

  push(samples: Int16Array): void {
    this.#sampleCount += samples.length;
  }

  async transcribe({ signal }: { signal: AbortSignal }): Promise<Transcript> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    either.throwIfAborted();
    if (this.#sampleCount === 0) return { text: '', confidence: 0, processingMs: 0 };
    this.#text ??= this.#transcripts[this.#utterances++ % this.#transcripts.length];
    const text = this.#text ?? DEFAULT_TRANSCRIPT;
    await this.#clock.sleep(this.#latencyMs, either);
    return { text, confidence: 1, processingMs: this.#latencyMs };
  }

  close(): void {
    this.#closing.abort(new ProviderError(NAME, 'the session was closed', { retryable: false }));
  }
}
