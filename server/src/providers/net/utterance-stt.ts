import type { Clock } from '../../shared/clock.ts';
import { UtteranceBuffer } from '../local/utterance-buffer.ts';
import { ProviderError } from '../provider-error.ts';
import type { SttSession, Transcript } from '../stt.ts';
import { askWithRetry } from './retry-once.ts';

export interface UtteranceSttOptions {
  provider: string;
  clock: Clock;
  /** One request: what was said in `samples`, linear at 8 kHz. */
  ask: (
    samples: Int16Array<ArrayBuffer>,
    signal: AbortSignal,
  ) => Promise<Pick<Transcript, 'text' | 'confidence'>>;
  /** Another recogniser can be asked instead: silence is not waited for twice. Default false. */
  hasNext?: boolean | undefined;
}

/** Speech of one caller by requests: each question sends the utterance so far, 30 s at most. */
export class UtteranceSttSession implements SttSession {
  readonly #options: UtteranceSttOptions;
  readonly #utterance = new UtteranceBuffer();
  readonly #closing = new AbortController();

  constructor(options: UtteranceSttOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#utterance.clear();
  }

  push(samples: Int16Array): void {
    if (!this.#closing.signal.aborted) this.#utterance.push(samples);
  }

  async transcribe(options: { signal: AbortSignal }): Promise<Transcript> {
    const { clock, ask, hasNext } = this.#options;
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    signal.throwIfAborted();
    if (this.#utterance.sampleCount === 0) return { text: '', confidence: 0, processingMs: 0 };
    const samples = this.#utterance.copy();
    const startedAtMs = clock.monotonicMs();
    const { text, confidence } = await askWithRetry(() => ask(samples, signal), {
      clock,
      signal,
      hasNext,
    });
    return {
      text: text.trim(),
      confidence: Math.min(1, Math.max(0, confidence)),
      processingMs: Math.round(clock.monotonicMs() - startedAtMs),
    };
  }

  close(): void {
    this.#closing.abort(
      new ProviderError(this.#options.provider, 'the session was closed', { retryable: false }),
    );
  }
}
