/** Audio codecs of the media engine. */
export type CodecName = 'PCMU' | 'PCMA' | 'G722' | 'OPUS';

export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** Suites of SDES-SRTP in order of preference (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2). */
export const SRTP_SUITES = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AEAD_AES_128_GCM',
  'AES_256_CM_HMAC_SHA1_80',
  'AES_256_CM_HMAC_SHA1_32',
] as const;
export type SrtpSuite = (typeof SRTP_SUITES)[number];

/** Keys that both sides named: base64 of master key and salt (RFC 4568 §6.1). */
export interface SrtpParameters {
  suite: SrtpSuite;
  /** Of what we send. */
  localKey: string;
  /** Of what the far end sends. */
  remoteKey: string;
}

/** What we want of encryption. */
export interface LocalEncryption {
  /** `optional`: plain audio where the far end says nothing of keys. */
  policy: 'optional' | 'required';
  /** Our key for each suite, the same for the whole call. */
  keys: Readonly<Record<SrtpSuite, string>>;
}

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
  /** RTP and RTCP share the RTP port (RFC 5761). Default false. */
  rtcpMux?: boolean;
  /** Absent: the audio is not encrypted. */
  srtp?: SrtpParameters;
  /** False: audio goes to the far end's address alone, wherever its own comes from. Default true. */
  symmetric?: boolean;
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
  /** Absent: audio is never encrypted. */
  encryption?: LocalEncryption | undefined;
}

export type SdpResult<T> = { ok: true; value: T } | { ok: false; error: SdpError };

export interface SdpError {
  code: 'malformed' | 'no-audio' | 'no-common-codec' | 'unsupported-transport' | 'bad-address';
  /** What was expected and what came, in one sentence. */
  message: string;
}
