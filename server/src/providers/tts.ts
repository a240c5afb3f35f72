export interface TtsRequest {
  /** One sentence or clause. */
  text: string;
  voice: string;
  /** 1 is the voice's own speed. */
  speed: number;
  signal: AbortSignal;
  /** Made in advance: it may wait for what a caller is waiting for. Default false. */
  prefetch?: boolean;
}

export interface TtsProvider {
  readonly name: string;
  /** Linear 8 kHz mono samples, first ones as soon as they are there. Throws ProviderError. */
  synthesize(request: TtsRequest): AsyncIterable<Int16Array>;
}
