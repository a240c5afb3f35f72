/** What the recogniser made of an utterance. */
export interface Transcript {
  text: string;
  /** 0 to 1. */
  confidence: number;
  /** Time that the provider took, milliseconds. */
  processingMs: number;
}

/** Speech of one caller, utterance by utterance. */
export interface SttSession {
  /** A new utterance begins: what was pushed before is forgotten. */
  begin(): void;
  /** Linear 8 kHz samples of the utterance, any number. Copied or sent before it returns. */
  push(samples: Int16Array): void;
  /**
   * The transcript of the utterance so far; may be asked again when the caller goes on.
   * Rejects with ProviderError, or the signal's reason.
   */
  transcribe(options: {
    expectDigits: boolean;
    signal: AbortSignal;
    /** A guess while the caller speaks: it may wait for those that a turn depends on. Default false. */
    interim?: boolean;
  }): Promise<Transcript>;
  close(): void;
}

export interface SttProvider {
  readonly name: string;
  open(options: { language: string }): SttSession;
}
