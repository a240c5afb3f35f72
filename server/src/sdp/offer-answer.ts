import { isIP } from 'node:net';
import { parseSdp, type SdpFormat, type SdpMedia } from './parse-sdp.ts';
import { formatCrypto, offeredCrypto, parseCrypto, type CryptoLine } from './crypto-line.ts';
import { CODECS, DTMF_PAYLOAD_TYPES, type CodecDescription } from './codecs.ts';
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

const DEFAULT_PTIME_MS = 20;
const RTP_PROTOCOLS: ReadonlySet<string> = new Set(['RTP/AVP', 'RTP/AVPF']);
const CODEC_LIST = Object.entries(CODECS) as readonly [CodecName, CodecDescription][];
/** RFC 3711 §12, RFC 5124. */
const SECURE_PROTOCOLS: ReadonlySet<string> = new Set(['RTP/SAVP', 'RTP/SAVPF']);

/**
 * An offer of audio (RFC 3264 §5): our codecs in order of preference, and telephone-event. Keys that
 * are optional stand beside RTP/AVP, so that a far end that knows none can answer.
 */
export function buildOffer(local: LocalAudio): string {
  const formats = local.codecs.map((codec) => ({
    codec,
    payloadType: CODECS[codec].payloadType,
  }));
  const clocks = new Set(local.codecs.map((codec) => CODECS[codec].clockRateHz));
  const dtmf = [...DTMF_PAYLOAD_TYPES].flatMap(([clockRateHz, payloadType]) =>
    clocks.has(clockRateHz) ? [{ payloadType, clockRateHz }] : [],
  );
  const { encryption } = local;
  const protocol = encryption?.policy === 'required' ? 'RTP/SAVP' : 'RTP/AVP';
  const crypto = encryption ? offeredCrypto(encryption) : [];
  return write(local, [
    audioLines(local, { protocol, formats, dtmf, direction: local.direction, crypto }),
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
  const { clockRateHz } = CODECS[picked.codec];
  const dtmf = dtmfFormat(chosen, picked);
  const described = {
    protocol: chosen.protocol,
    formats: [picked],
    dtmf: dtmf === null ? [] : [{ payloadType: dtmf, clockRateHz }],
    direction,
    crypto: ours ? [ours] : [],
    rtcpMux: chosen.rtcpMux,
  };
  const lines = media.map((line) =>
    line === chosen
      ? audioLines(local, described)
      : [`m=${line.kind} 0 ${line.protocol} ${line.formatTokens.join(' ')}`],
  );
  return {
    ok: true,
    value: {
      sdp: write(local, lines),
      audio: {
        ...negotiated(chosen, host, picked, dtmf, direction, srtpOf(theirs, local)),
        ...(chosen.rtcpMux && { rtcpMux: true }),
      },
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
    value: negotiated(
      line,
      host,
      picked,
      dtmfFormat(line, picked),
      direction,
      srtpOf(theirs, offered),
    ),
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
  for (const [name, codec] of CODEC_LIST) {
    if (format.encoding === null) {
      if (codec.isStatic && format.payloadType === codec.payloadType) return name;
      continue;
    }
    if (format.encoding !== codec.encoding.toUpperCase()) continue;
    const channels = format.channels ?? null;
    const channelsFit =
      codec.channels === null ? (channels ?? 1) === 1 : channels === codec.channels;
    if (format.clockRateHz === codec.clockRateHz && channelsFit) return name;
  }
  return null;
}

/** RFC 4733 §2.1: at the clock rate of the audio. */
function dtmfFormat(media: SdpMedia, { codec }: PickedCodec): number | null {
  const { clockRateHz } = CODECS[codec];
  const format = media.formats.find(
    (one) => one.encoding === 'TELEPHONE-EVENT' && one.clockRateHz === clockRateHz,
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

interface DescribedAudio {
  protocol: string;
  formats: readonly PickedCodec[];
  dtmf: readonly { payloadType: number; clockRateHz: number }[];
  direction: MediaDirection;
  crypto: readonly CryptoLine[];
  rtcpMux?: boolean;
}

function audioLines({ port }: LocalAudio, described: DescribedAudio): string[] {
  const { protocol, formats, dtmf, direction, crypto, rtcpMux = false } = described;
  const payloadTypes = [...formats, ...dtmf].map((one) => one.payloadType);
  return [
    `m=audio ${port} ${protocol} ${payloadTypes.join(' ')}`,
    ...formats.flatMap(codecLines),
    ...dtmf.flatMap(({ payloadType, clockRateHz }) => [
      `a=rtpmap:${payloadType} telephone-event/${clockRateHz}`,
      `a=fmtp:${payloadType} 0-16`,
    ]),
    ...crypto.map(formatCrypto),
    ...(rtcpMux ? ['a=rtcp-mux'] : []),
    `a=ptime:${DEFAULT_PTIME_MS}`,
    `a=${direction}`,
  ];
}

function codecLines({ codec, payloadType }: PickedCodec): string[] {
  const { encoding, clockRateHz, channels, parameters } = CODECS[codec];
  const rate = channels === null ? clockRateHz : `${clockRateHz}/${channels}`;
  return [
    `a=rtpmap:${payloadType} ${encoding}/${rate}`,
    ...(parameters === null ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
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
