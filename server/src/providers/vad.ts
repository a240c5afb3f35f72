/** Voice activity of one caller. */
export interface VadSession {
  /** Linear 8 kHz samples as they arrive, any number. */
  push(samples: Int16Array): void;
  close(): void;
}

export interface VadProvider {
  /** Milliseconds of audio per judgement. */
  readonly frameMs: number;
  /**
   * @param onFrame called in order, once for every `frameMs` of pushed audio, with the probability
   *   of speech in it, 0 to 1.
   */
  open(onFrame: (speechProbability: number) => void): VadSession;
}
