import { isIP } from 'node:net';
import { parseSdp, type SdpFormat, type SdpMedia } from './parse-sdp.ts';
import { formatCrypto, offeredCrypto, parseCrypto, type CryptoLine } from './crypto-line.ts';
import {
  SRTP_SUITES,
  type CodecName,
  type LocalAudio,
  type MediaDirection,
  type NegotiatedAudio,
  type SdpError,
  type SdpResult,
  type SrtpParameters,
} from './sdp.ts';

/** RFC 3551 table 4. */
const STATIC_PAYLOAD_TYPES: Readonly<Record<CodecName, number>> = { PCMU: 0, PCMA: 8 };
/** What we offer for telephone-event; the far end may answer with another number. */
const DTMF_PAYLOAD_TYPE = 101;
const CLOCK_RATE_HZ = 8_000;
const DEFAULT_PTIME_MS = 20;
const RTP_PROTOCOLS: ReadonlySet<string> = new Set(['RTP/AVP', 'RTP/AVPF']);
/** RFC 3711 §12, RFC 5124. */
const SECURE_PROTOCOLS: ReadonlySet<string> = new Set(['RTP/SAVP', 'RTP/SAVPF']);

/**
 * An offer of audio (RFC 3264 §5): our codecs in order of preference, and telephone-event. Keys that
 * are optional stand beside RTP/AVP, so that a far end that knows none can answer.
 */
export function buildOffer(local: LocalAudio): string {
  const formats = local.codecs.map((codec) => ({
    codec,
    payloadType: STATIC_PAYLOAD_TYPES[codec],
  }));
  const { encryption } = local;
  const protocol = encryption?.policy === 'required' ? 'RTP/SAVP' : 'RTP/AVP';
  const crypto = encryption ? offeredCrypto(encryption) : [];
  return write(local, [
    audioLines(local.port, protocol, formats, DTMF_PAYLOAD_TYPE, local.direction, crypto),
  ]);
}

/**
 * Answers an offer (RFC 3264 §6): the first of its codecs that we have, its payload type numbers,
 * its media lines in their order; other media are refused with port 0.
 */
export function answerOffer(
  offer: string,
  local: LocalAudio,
): SdpResult<{ sdp: string; audio: NegotiatedAudio }> {
  const parsed = parseSdp(offer);
  if (!parsed.ok) return parsed;
  const { media } = parsed.value;
  const found = chooseAudio(media, local);
  if (!found.ok) return found;
  const { line: chosen, picked, host, theirs } = found.value;
  // RFC 4568 §5.1.2: the tag of the line that was taken, with our key.
  const ours = theirs &&
    local.encryption && { ...theirs, inline: local.encryption.keys[theirs.suite] };
  const direction = answerDirection(heldDirection(chosen), local.direction);
  const dtmf = dtmfFormat(chosen);
  const lines = media.map((line) =>
    line === chosen
      ? audioLines(local.port, chosen.protocol, [picked], dtmf, direction, ours ? [ours] : [])
      : [`m=${line.kind} 0 ${line.protocol} ${line.formatTokens.join(' ')}`],
  );
  return {
    ok: true,
    value: {
      sdp: write(local, lines),
      audio: negotiated(chosen, host, picked, dtmf, direction, srtpOf(theirs, local)),
    },
  };
}

/** Reads the answer to our offer (RFC 3264 §7). */
export function readAnswer(answer: string, offered: LocalAudio): SdpResult<NegotiatedAudio> {
  const parsed = parseSdp(answer);
  if (!parsed.ok) return parsed;
  const [line] = parsed.value.media;
  // RFC 3264 §6: the answer has a line for each of the offer, and ours has one.
  if (line?.kind !== 'audio' || line.port === 0) {
    return failure('no-audio', 'need an m=audio line with a port first, got none');
  }
  const usable = useAudio(line, offered);
  if (!usable.ok) return usable;
  const { picked, host, theirs } = usable.value;
  const direction = answerDirection(heldDirection(line), offered.direction);
  return {
    ok: true,
    value: negotiated(line, host, picked, dtmfFormat(line), direction, srtpOf(theirs, offered)),
  };
}

interface PickedCodec {
  codec: CodecName;
  payloadType: number;
}

interface UsableAudio {
  line: SdpMedia;
  picked: PickedCodec;
  host: string;
  /** Their key; null: not encrypted. */
  theirs: CryptoLine | null;
}

/** The first audio line that we can take; else the reason why the first cannot be taken. */
function chooseAudio(media: readonly SdpMedia[], local: LocalAudio): SdpResult<UsableAudio> {
  const lines = media.filter((line) => line.kind === 'audio' && line.port > 0);
  const results = lines.map((line) => useAudio(line, local));
  return (
    results.find((result) => result.ok) ??
    results[0] ??
    failure('no-audio', 'need an m=audio line with a port, got none')
  );
}

function useAudio(line: SdpMedia, { codecs, encryption }: LocalAudio): SdpResult<UsableAudio> {
  const crypto = useCrypto(line, encryption?.policy ?? null);
  if (!crypto.ok) return crypto;
  const picked = pickCodec(line, codecs);
  if (!picked) return noCommonCodec(line, codecs);
  const address = remoteAddress(line);
  if (!address.ok) return address;
  return { ok: true, value: { line, picked, host: address.value, theirs: crypto.value } };
}

/** Whether the audio is encrypted, and with which of their keys (RFC 4568 §5.1.2). */
function useCrypto(
  { protocol, crypto }: SdpMedia,
  policy: 'optional' | 'required' | null,
): SdpResult<CryptoLine | null> {
  const isSecure = SECURE_PROTOCOLS.has(protocol);
  if (!isSecure && !RTP_PROTOCOLS.has(protocol)) {
    return failure('unsupported-transport', `need RTP/AVP, got ${protocol.slice(0, 60)}`);
  }
  if (policy === null) {
    if (!isSecure) return { ok: true, value: null };
    return failure('unsupported-transport', `need RTP/AVP, got ${protocol}: no encryption here`);
  }
  const theirs = crypto.map(parseCrypto).find((line) => line !== null) ?? null;
  if (theirs || (!isSecure && policy === 'optional')) return { ok: true, value: theirs };
  return failure(
    'unsupported-transport',
    isSecure
      ? `need a=crypto with one of ${SRTP_SUITES.join(', ')}, got none`
      : `need encrypted audio, RTP/SAVP with a=crypto, got ${protocol}`,
  );
}

function srtpOf(theirs: CryptoLine | null, { encryption }: LocalAudio): SrtpParameters | null {
  if (!theirs || !encryption) return null;
  const { suite, inline: remoteKey } = theirs;
  return { suite, localKey: encryption.keys[suite], remoteKey };
}

function negotiated(
  media: SdpMedia,
  remoteHost: string,
  picked: PickedCodec,
  dtmfPayloadType: number | null,
  direction: MediaDirection,
  srtp: SrtpParameters | null,
): NegotiatedAudio {
  return {
    ...(srtp && { srtp }),
    remoteHost,
    remotePort: media.port,
    ...picked,
    dtmfPayloadType,
    direction,
    ptimeMs: media.ptimeMs ?? DEFAULT_PTIME_MS,
  };
}

/** The far end's order of preference counts. */
function pickCodec(media: SdpMedia, codecs: readonly CodecName[]): PickedCodec | null {
  for (const format of media.formats) {
    const codec = codecOf(format);
    if (codec && codecs.includes(codec)) return { codec, payloadType: format.payloadType };
  }
  return null;
}

function codecOf(format: SdpFormat): CodecName | null {
  if (format.encoding === null) {
    if (format.payloadType === STATIC_PAYLOAD_TYPES.PCMU) return 'PCMU';
    return format.payloadType === STATIC_PAYLOAD_TYPES.PCMA ? 'PCMA' : null;
  }
  if (format.clockRateHz !== CLOCK_RATE_HZ) return null;
  return format.encoding === 'PCMU' || format.encoding === 'PCMA' ? format.encoding : null;
}

/** RFC 4733 §2.1: at the clock rate of the audio. */
function dtmfFormat(media: SdpMedia): number | null {
  const format = media.formats.find(
    (one) => one.encoding === 'TELEPHONE-EVENT' && one.clockRateHz === CLOCK_RATE_HZ,
  );
  return format?.payloadType ?? null;
}

/** RFC 2543's way to hold is a connection address of zeroes (RFC 3264 §8.4). */
function heldDirection(media: SdpMedia): MediaDirection {
  const zero = media.host === '0.0.0.0' || media.host === '::';
  if (!zero) return media.direction;
  return media.direction === 'sendrecv' || media.direction === 'sendonly' ? 'sendonly' : 'inactive';
}

/** Our side of what the far end said (RFC 3264 §6.1), within what we want. */
function answerDirection(theirs: MediaDirection, wanted: MediaDirection): MediaDirection {
  const weMaySend = theirs === 'sendrecv' || theirs === 'recvonly';
  const weMayReceive = theirs === 'sendrecv' || theirs === 'sendonly';
  const send = weMaySend && (wanted === 'sendrecv' || wanted === 'sendonly');
  const receive = weMayReceive && (wanted === 'sendrecv' || wanted === 'recvonly');
  if (send && receive) return 'sendrecv';
  if (send) return 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

function remoteAddress(media: SdpMedia): SdpResult<string> {
  if (media.host === null) return failure('bad-address', 'need a c= line, got none');
  // Names would need a look-up in the middle of a call; carriers send addresses (RFC 8866 §5.7).
  if (isIP(media.host) === 0) {
    return failure('bad-address', `need an IP address in c=, got "${media.host.slice(0, 60)}"`);
  }
  return { ok: true, value: media.host };
}

function failure(code: SdpError['code'], message: string): { ok: false; error: SdpError } {
  return { ok: false, error: { code, message } };
}

function noCommonCodec(
  media: SdpMedia,
  codecs: readonly CodecName[],
): { ok: false; error: SdpError } {
  const theirs = media.formats.map((format) => format.encoding ?? String(format.payloadType));
  return failure(
    'no-common-codec',
    `need one of ${codecs.join(', ')}, got ${theirs.join(', ').slice(0, 100)}`,
  );
}

function audioLines(
  port: number,
  protocol: string,
  codecs: readonly PickedCodec[],
  dtmfPayloadType: number | null,
  direction: MediaDirection,
  crypto: readonly CryptoLine[],
): string[] {
  const payloadTypes = codecs.map((one) => one.payloadType);
  if (dtmfPayloadType !== null) payloadTypes.push(dtmfPayloadType);
  return [
    `m=audio ${port} ${protocol} ${payloadTypes.join(' ')}`,
    ...codecs.map((one) => `a=rtpmap:${one.payloadType} ${one.codec}/${CLOCK_RATE_HZ}`),
    ...(dtmfPayloadType === null
      ? []
      : [
          `a=rtpmap:${dtmfPayloadType} telephone-event/${CLOCK_RATE_HZ}`,
          `a=fmtp:${dtmfPayloadType} 0-16`,
        ]),
    ...crypto.map(formatCrypto),
    `a=ptime:${DEFAULT_PTIME_MS}`,
    `a=${direction}`,
  ];
}

function write(local: LocalAudio, media: readonly string[][]): string {
  const family = isIP(local.host) === 6 ? 'IP6' : 'IP4';
  return [
    'v=0',
    `o=- ${local.sessionId} ${local.sessionVersion} IN ${family} ${local.host}`,
    's=-',
    `c=IN ${family} ${local.host}`,
    't=0 0',
    ...media.flat(),
    '',
  ].join('\r\n');
}
