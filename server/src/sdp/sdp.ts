/** Audio codecs of the media engine: RFC 3551 §6, static payload types 0 and 8. */
export type CodecName = 'PCMU' | 'PCMA';

export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** What both sides agreed on, seen from here. */
export interface NegotiatedAudio {
  remoteHost: string;
  remotePort: number;
  codec: CodecName;
  payloadType: number;
  /** Payload type of telephone-event/8000 (RFC 4733) of the far end; null: none. */
  dtmfPayloadType: number | null;
  /** Our direction: `recvonly` after the far end said `sendonly` (hold). */
  direction: MediaDirection;
  /** Packet time that the far end wants. Default 20. */
  ptimeMs: number;
}

/** What we say about ourselves. */
export interface LocalAudio {
  host: string;
  port: number;
  /** In order of preference. */
  codecs: readonly CodecName[];
  direction: MediaDirection;
  /** o= line; the version grows by one with every change (RFC 3264 §8). */
  sessionId: number;
  sessionVersion: number;
}

export type SdpResult<T> = { ok: true; value: T } | { ok: false; error: SdpError };

export interface SdpError {
  code: 'malformed' | 'no-audio' | 'no-common-codec' | 'unsupported-transport' | 'bad-address';
  /** What was expected and what came, in one sentence. */
  message: string;
}
