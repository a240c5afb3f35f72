import { ProviderError } from '../provider-error.ts';
import type { SttProvider, SttSession, Transcript } from '../stt.ts';
import { SpeechJobs } from './speech-jobs.ts';
import {
  PRIORITY_LOW,
  PRIORITY_NORMAL,
  type TranscribeResult,
  type TranscribeWork,
} from './speech-protocol.ts';
import type { SpeechPorts } from './speech-ports.ts';
import { UtteranceBuffer } from './utterance-buffer.ts';

const NAME = 'local-stt';
/** Shorter sounds hold no word; the recogniser would invent one. */
const MIN_UTTERANCE_SAMPLES = 800;

/** Embedded recognition of English for the thread that holds `ports`. */
export function createLocalStt(ports: SpeechPorts): SttProvider & { close(): void } {
  const jobs = new SpeechJobs<TranscribeWork, TranscribeResult>(NAME, ports.stt);
  return {
    name: NAME,
    open({ language }) {
      if (!/^en(-|$)/i.test(language)) {
        throw new ProviderError(NAME, `hears English only, not "${language}"`, {
          retryable: false,
        });
      }
      return new LocalSttSession(jobs);
    },
    close: () => jobs.close(),
  };
}

class LocalSttSession implements SttSession {
  readonly #jobs: SpeechJobs<TranscribeWork, TranscribeResult>;
  readonly #utterance = new UtteranceBuffer();
  readonly #closing = new AbortController();

  constructor(jobs: SpeechJobs<TranscribeWork, TranscribeResult>) {
    this.#jobs = jobs;
  }

  begin(): void {
    this.#utterance.clear();
  }

  push(samples: Int16Array): void {
    if (!this.#closing.signal.aborted) this.#utterance.push(samples);
  }

  async transcribe(options: {
    expectDigits: boolean;
    signal: AbortSignal;
    interim?: boolean;
  }): Promise<Transcript> {
    options.signal.throwIfAborted();
    if (this.#utterance.sampleCount < MIN_UTTERANCE_SAMPLES) {
      return { text: '', confidence: 0, processingMs: 0 };
    }
    const samples = this.#utterance.copy();
    return this.#jobs.run(
      { samples, expectDigits: options.expectDigits },
      {
        priority: options.interim === true ? PRIORITY_LOW : PRIORITY_NORMAL,
        signal: AbortSignal.any([options.signal, this.#closing.signal]),
        transfer: [samples.buffer],
      },
    );
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new ProviderError(NAME, 'the session was closed', { retryable: false }));
    this.#utterance.clear();
  }
}
