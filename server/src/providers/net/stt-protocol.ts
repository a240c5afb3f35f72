import type { ProviderError } from '../provider-error.ts';

/** A stretch of text that a recogniser heard. */
export interface SttPiece {
  /** `final` will not change any more; `interim` is believed until there is other news. */
  type: 'interim' | 'final';
  text: string;
  /** 0 to 1; 1 where the vendor tells none. */
  confidence: number;
  /** Where it ends, milliseconds of the audio sent. */
  toMs?: number;
  /** The text brings its own spaces: it may begin in the middle of a word. Default false. */
  isGlued?: boolean;
}

/** What a message of a streaming recogniser means. */
export type SttNews =
  | SttPiece
  /** Everything that had been sent when it was last asked to settle is settled. */
  | { type: 'settled' }
  /** The session can take audio. */
  | { type: 'ready' }
  | { type: 'failed'; error: ProviderError };

/** One vendor's streaming recognition over a WebSocket; the session is `StreamingStt`'s. */
export interface SttProtocol {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** First message. Null: everything stands in the URL. */
  readonly hello: string | null;
  /** Whether audio is taken from the moment of the connection; else after the news `ready`. */
  readonly isReadyAtOnce: boolean;
  /** Mu-law at 8 kHz, as the vendor takes it. */
  audio(mulaw: Uint8Array): string | Uint8Array;
  /** Asks to settle what was sent. */
  readonly settle: string;
  /** Whether each `settle` is answered with `settled`; else times tell which utterance news is of. */
  readonly answersSettle: boolean;
  /** The shortest piece of audio that is taken. Default 0. */
  readonly minChunkMs?: number;
  readonly keepAlive: { everyMs: number; message: string } | null;
  readonly bye: string | null;
  /** News in a message, in order; unknown messages are none. Throws ProviderError on nonsense. */
  read(message: Record<string, unknown>): SttNews[];
}
