import { ProviderError } from '../provider-error.ts';

/** A provider died, and another one answers in its place. */
export interface ProviderFailure {
  part: 'stt' | 'llm' | 'tts';
  provider: string;
  /** What went wrong, without keys. */
  message: string;
  /** Who answers for the rest of the call. */
  next: string;
}

/** Providers of one part of an agent in the order in which they are asked. One list a call. */
export class CandidateList<T extends { readonly name: string }> {
  readonly #part: ProviderFailure['part'];
  readonly #candidates: readonly T[];
  readonly #onFailure: (failure: ProviderFailure) => void;
  #at = 0;

  /** @param candidates at least one. */
  constructor(
    part: ProviderFailure['part'],
    candidates: readonly T[],
    onFailure: (failure: ProviderFailure) => void,
  ) {
    this.#part = part;
    this.#candidates = candidates;
    this.#onFailure = onFailure;
  }

  /** Who is asked now. */
  get current(): T {
    const candidate = this.#candidates[this.#at];
    if (candidate === undefined) throw new Error(`no ${this.#part} to choose from`);
    return candidate;
  }

  /**
   * `candidate` died: it is passed over for the rest of the call.
   * @returns whether somebody else can be asked; the last one stays, as there is nobody else.
   */
  passOver(candidate: T, error: unknown): boolean {
    // Two questions at once may find the same provider dead.
    if (candidate !== this.current) return true;
    const next = this.#candidates[this.#at + 1];
    if (next === undefined) return false;
    this.#at++;
    this.#onFailure({
      part: this.#part,
      provider: candidate.name,
      message: messageOf(error),
      next: next.name,
    });
    return true;
  }
}

/** A ProviderError names its provider in the message, and so does the failure. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  const prefix = error instanceof ProviderError ? `${error.provider}: ` : '';
  return error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
}
