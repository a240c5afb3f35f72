import { ProviderError } from '../providers/provider-error.ts';
import type { VoiceCallEvent } from './worker-protocol.ts';

const MAX_IN_A_ROW = 2;

/** Counts what recogniser and dialogue fail at: once is apologised for, twice in a row ends the call. */
export class ProviderFailures {
  readonly #emit: (event: VoiceCallEvent) => void;
  #count = 0;
  #replyFailed = false;

  constructor(emit: (event: VoiceCallEvent) => void) {
    this.#emit = emit;
  }

  /** Reports a failure. */
  report(part: 'stt' | 'llm' | 'tts', error: unknown): void {
    this.warn(
      error instanceof ProviderError ? error.provider : part,
      error instanceof Error ? error.message : String(error),
    );
  }

  /** Reports a failure that somebody else dealt with. */
  warn(provider: string, message: string): void {
    const prefix = `${provider}: `;
    // A ProviderError names its provider in the message, and so does the event.
    const detail = message.startsWith(prefix) ? message.slice(prefix.length) : message;
    this.#emit({ type: 'provider-error', provider, message: detail });
  }

  /** Reports and counts a failure. True when it was one too many. */
  isOneTooMany(part: 'stt' | 'llm', error: unknown): boolean {
    this.report(part, error);
    if (part === 'llm') this.#replyFailed = true;
    return ++this.#count >= MAX_IN_A_ROW;
  }

  /** A reply of the dialogue was heard: unless it failed on the way, all is well again. */
  replyHeard(): void {
    if (!this.#replyFailed) this.#count = 0;
    this.#replyFailed = false;
  }
}
