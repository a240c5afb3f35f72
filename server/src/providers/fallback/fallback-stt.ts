import { UtteranceBuffer } from '../local/utterance-buffer.ts';
import type { SttProvider, SttSession, Transcript } from '../stt.ts';
import type { CandidateList } from './candidate-list.ts';

/** Recognisers in an order: when one dies, the next hears the same utterance. */
export function createFallbackStt(candidates: CandidateList<SttProvider>): SttProvider {
  return {
    get name() {
      return candidates.current.name;
    },
    open: (options) => new FallbackSttSession(candidates, options),
  };
}

class FallbackSttSession implements SttSession {
  readonly #candidates: CandidateList<SttProvider>;
  readonly #options: { language: string };
  /** What the next one would have to be told. */
  readonly #utterance = new UtteranceBuffer();
  #provider: SttProvider;
  #session: SttSession;
  #isClosed = false;

  constructor(candidates: CandidateList<SttProvider>, options: { language: string }) {
    this.#candidates = candidates;
    this.#options = options;
    this.#provider = candidates.current;
    this.#session = this.#provider.open(options);
  }

  begin(): void {
    this.#utterance.clear();
    this.#session.begin();
  }

  push(samples: Int16Array): void {
    this.#utterance.push(samples);
    this.#session.push(samples);
  }

  async transcribe(options: Parameters<SttSession['transcribe']>[0]): Promise<Transcript> {
    for (;;) {
      const [provider, session] = [this.#provider, this.#session];
      try {
        return await session.transcribe(options);
      } catch (error) {
        options.signal.throwIfAborted();
        if (this.#isClosed) throw error;
        // Another question has found it dead already, and moved on.
        if (session !== this.#session) continue;
        if (!this.#candidates.passOver(provider, error)) throw error;
        this.#moveOn();
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#session.close();
  }

  #moveOn(): void {
    this.#session.close();
    this.#provider = this.#candidates.current;
    this.#session = this.#provider.open(this.#options);
    this.#session.begin();
    this.#session.push(this.#utterance.copy());
  }
}
