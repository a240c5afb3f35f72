import { isIP } from 'node:net';
import { formatCrypto, parseCrypto, type CryptoLine } from '../sdp/crypto-line.ts';
import { parseSdp, type SdpFormat, type SdpMedia } from '../sdp/parse-sdp.ts';
import type { MediaDirection, SdpResult } from '../sdp/sdp.ts';

/** What one leg says of its audio, as far as the other leg is told. */
export interface RelayedAudio {
  host: string;
  port: number;
  direction: MediaDirection;
  /** PCMU, PCMA and telephone-event with the numbers that the leg gave them; audio first. */
  formats: SdpFormat[];
  ptimeMs: number | null;
  /** RTP/SAVP, or RTP/AVP with keys that are optional. */
  secure: boolean;
  /** The first key that can be used; null: none. */
  crypto: CryptoLine | null;
  /** Every media line, for the answer, which has one for each (RFC 3264 §6). */
  lines: readonly SdpMedia[];
  /** Which of `lines` it is. */
  line: SdpMedia;
}

const AUDIO: ReadonlySet<string> = new Set(['PCMU', 'PCMA']);
const STATIC: Readonly<Record<number, string>> = { 0: 'PCMU', 8: 'PCMA' };
const CLOCK_RATE_HZ = 8_000;
const PROTOCOLS: ReadonlySet<string> = new Set(['RTP/AVP', 'RTP/AVPF', 'RTP/SAVP', 'RTP/SAVPF']);

/** Reads the audio of an offer or an answer. Only G.711 and telephone-event pass over a trunk. */
export function readRelayedAudio(sdp: string): SdpResult<RelayedAudio> {
  const parsed = parseSdp(sdp);
  if (!parsed.ok) return parsed;
  const lines = parsed.value.media;
  const line = lines.find((one) => one.kind === 'audio' && one.port > 0);
  if (!line) return failure('no-audio', 'need an m=audio line with a port, got none');
  if (!PROTOCOLS.has(line.protocol)) {
    return failure('unsupported-transport', `need RTP/AVP, got ${line.protocol.slice(0, 60)}`);
  }
  const formats = relayable(line.formats);
  if (!formats.some((format) => AUDIO.has(encodingOf(format)))) {
    return failure('no-common-codec', 'need PCMU or PCMA, got neither');
  }
  const { host } = line;
  // Names would need a look-up in the middle of a call; SIP trunks send addresses.
  if (host === null || isIP(host) === 0) {
    return failure('bad-address', 'need an IP address in c=, got none');
  }
  const crypto = line.crypto.map(parseCrypto).find((one) => one !== null) ?? null;
  const secure = line.protocol.startsWith('RTP/SAVP');
  return {
    ok: true,
    value: {
      host,
      port: line.port,
      direction: heldDirection(line),
      formats,
      ptimeMs: line.ptimeMs,
      secure,
      crypto,
      lines,
      line,
    },
  };
}

export interface WrittenAudio {
  /** Where we take this leg's packets. */
  host: string;
  port: number;
  sessionId: number;
  sessionVersion: number;
  /** What the other leg said. */
  audio: { formats: readonly SdpFormat[]; direction: MediaDirection; ptimeMs: number | null };
  /** Our keys for this leg; with none the audio is plain. */
  crypto: readonly CryptoLine[];
  /** Keys stand beside RTP/AVP, so that a far end that knows none can answer. Default false. */
  optionalCrypto?: boolean;
  /** The offer that is answered; null: this is an offer. */
  answerTo: RelayedAudio | null;
}

/** The other leg's audio under our own address. */
export function writeRelayedAudio(written: WrittenAudio): string {
  const { host, port, audio, crypto, answerTo } = written;
  const family = isIP(host) === 6 ? 'IP6' : 'IP4';
  const secure = crypto.length > 0 && !written.optionalCrypto;
  const protocol = answerTo?.line.protocol ?? (secure ? 'RTP/SAVP' : 'RTP/AVP');
  const described = [
    `m=audio ${port} ${protocol} ${audio.formats.map((one) => one.payloadType).join(' ')}`,
    ...audio.formats.flatMap(formatLines),
    ...crypto.map(formatCrypto),
    ...(audio.ptimeMs === null ? [] : [`a=ptime:${audio.ptimeMs}`]),
    `a=${audio.direction}`,
  ];
  const media = answerTo
    ? answerTo.lines.map((line) =>
        line === answerTo.line
          ? described
          : [`m=${line.kind} 0 ${line.protocol} ${line.formatTokens.join(' ')}`],
      )
    : [described];
  return [
    'v=0',
    `o=- ${written.sessionId} ${written.sessionVersion} IN ${family} ${host}`,
    's=-',
    `c=IN ${family} ${host}`,
    't=0 0',
    ...media.flat(),
    '',
  ].join('\r\n');
}

function relayable(formats: readonly SdpFormat[]): SdpFormat[] {
  const clockFits = (format: SdpFormat): boolean =>
    format.clockRateHz === null || format.clockRateHz === CLOCK_RATE_HZ;
  const audio = formats.filter((one) => AUDIO.has(encodingOf(one)) && clockFits(one));
  const digits = formats.filter((one) => encodingOf(one) === 'TELEPHONE-EVENT' && clockFits(one));
  return [...audio, ...digits];
}

/** RFC 3551 table 4: types 0 and 8 need no rtpmap. */
function encodingOf(format: SdpFormat): string {
  return format.encoding ?? STATIC[format.payloadType] ?? '';
}

function formatLines(format: SdpFormat): string[] {
  const encoding = encodingOf(format);
  const isDigits = encoding === 'TELEPHONE-EVENT';
  const name = isDigits ? 'telephone-event' : encoding;
  return [
    `a=rtpmap:${format.payloadType} ${name}/${CLOCK_RATE_HZ}`,
    // What the far end wrote is not repeated: it could hold anything.
    ...(isDigits ? [`a=fmtp:${format.payloadType} 0-16`] : []),
  ];
}

/** RFC 3264 §8.4: a connection address of zeroes is an old way to hold. */
function heldDirection({ host, direction }: SdpMedia): MediaDirection {
  if (host !== '0.0.0.0' && host !== '::') return direction;
  return direction === 'sendrecv' || direction === 'sendonly' ? 'sendonly' : 'inactive';
}

function failure(
  code: 'no-audio' | 'no-common-codec' | 'unsupported-transport' | 'bad-address',
  message: string,
): { ok: false; error: { code: typeof code; message: string } } {
  return { ok: false, error: { code, message } };
}
