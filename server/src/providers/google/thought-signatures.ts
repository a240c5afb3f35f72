const MAX_KEPT = 256;

/**
 * What Gemini 3 wants back with a tool call that it made: "a functionCall part must carry its
 * signature". Calls of other models have none, and are told as text.
 */
export class ThoughtSignatures {
  /** Null: the model made the call and signed it not. */
  readonly #byCallId = new Map<string, string | null>();

  remember(callId: string, signature: string | null): void {
    this.#byCallId.set(callId, signature);
    const [oldest] = this.#byCallId.keys();
    if (this.#byCallId.size > MAX_KEPT && oldest !== undefined) this.#byCallId.delete(oldest);
  }

  /** Undefined: the call was not made by this model. */
  of(callId: string): string | null | undefined {
    return this.#byCallId.get(callId);
  }
}
