import type { MediaDirection, SdpResult } from './sdp.ts';

/** A format of an m-line with what a=rtpmap and a=fmtp say about it. */
export interface SdpFormat {
  payloadType: number;
  /** Upper case; null where there is no rtpmap (static types of RFC 3551). */
  encoding: string | null;
  clockRateHz: number | null;
  /** Behind the clock rate of the rtpmap; null where nothing stands there. */
  channels?: number | null;
  parameters: string | null;
}

export interface SdpMedia {
  kind: string;
  port: number;
  protocol: string;
  /** As they stand in the m-line; other media than RTP have other words here. */
  formatTokens: string[];
  formats: SdpFormat[];
  /** Its own c= line, else that of the session; null: neither. */
  host: string | null;
  /** Its own attribute, else that of the session, else sendrecv (RFC 8866 §6.7). */
  direction: MediaDirection;
  ptimeMs: number | null;
  /** RFC 5761: RTCP may come and go on the RTP port. */
  rtcpMux: boolean;
  /** Values of a=crypto (RFC 4568 §4), at most 16. */
  crypto: string[];
}

/** A session description (RFC 8866), as far as audio trunks need it. */
export interface SessionDescription {
  sessionId: string;
  sessionVersion: string;
  media: SdpMedia[];
}

/** Several times what the longest offers of telephones have. */
const MAX_BYTES = 8_192;
const MAX_AUDIO_FORMATS = 20;
const MAX_LINES = 1_000;
const MAX_PORT = 65_535;
const MAX_CRYPTO = 16;
/** What we repeat in an answer must not break out of its line. */
const TOKEN = /^[\x21-\x7e]+$/;
const DIRECTIONS: ReadonlySet<string> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

/** Reads a session description; tolerant of bare line feeds and of lines that it does not know. */
export function parseSdp(text: string): SdpResult<SessionDescription> {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) return malformed(`need at most ${MAX_BYTES} bytes, got ${bytes}`);
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length > MAX_LINES)
    return malformed(`need at most ${MAX_LINES} lines, got ${lines.length}`);
  if (lines[0]?.trim() !== 'v=0') return malformed('need v=0 in the first line');

  let origin: string[] | null = null;
  let sessionHost: string | null = null;
  let sessionDirection: MediaDirection = 'sendrecv';
  const media: SdpMedia[] = [];
  for (const line of lines) {
    if (line.charAt(1) !== '=')
      return malformed(`need <letter>=<value>, got "${line.slice(0, 40)}"`);
    const value = line.slice(2).trim();
    const current = media.at(-1);
    switch (line.charAt(0)) {
      case 'o':
        origin = value.split(/\s+/);
        break;
      case 'c': {
        const host = connectionHost(value);
        if (host === null)
          return malformed(`need "c=IN IP4 <address>", got "${line.slice(0, 60)}"`);
        if (current) current.host = host;
        else sessionHost = host;
        break;
      }
      case 'm': {
        const parsed = mediaLine(value);
        if (!parsed)
          return malformed(
            `need "m=<media> <port> <protocol> <format> ...", got "${line.slice(0, 60)}"`,
          );
        if (parsed.kind === 'audio' && parsed.formatTokens.length > MAX_AUDIO_FORMATS) {
          return malformed(
            `need at most ${MAX_AUDIO_FORMATS} codecs in an m=audio line, got ${parsed.formatTokens.length}`,
          );
        }
        media.push({
          ...parsed,
          host: sessionHost,
          direction: sessionDirection,
          ptimeMs: null,
          rtcpMux: false,
          crypto: [],
        });
        break;
      }
      case 'a': {
        const direction = readAttribute(value, current);
        if (direction && !current) sessionDirection = direction;
        break;
      }
      default:
        break;
    }
  }
  if (!origin || origin.length < 6) return malformed('need an o= line with six fields');
  return {
    ok: true,
    value: { sessionId: origin[1] ?? '', sessionVersion: origin[2] ?? '', media },
  };
}

function malformed(message: string): { ok: false; error: { code: 'malformed'; message: string } } {
  return { ok: false, error: { code: 'malformed', message } };
}

/** RFC 8866 §5.7: `IN IP4 192.0.2.1`, with `/ttl` after a multicast address. */
function connectionHost(value: string): string | null {
  const [network, family, address = ''] = value.split(/\s+/);
  const host = address.split('/')[0] ?? '';
  return network === 'IN' && (family === 'IP4' || family === 'IP6') && host !== '' ? host : null;
}

/** RFC 8866 §5.14. */
function mediaLine(
  value: string,
): Pick<SdpMedia, 'kind' | 'port' | 'protocol' | 'formatTokens' | 'formats'> | null {
  const [kind, portText, protocol, ...formatTokens] = value.split(/\s+/);
  if (!kind || !portText || !protocol || formatTokens.length === 0) return null;
  if (![kind, protocol, ...formatTokens].every((token) => TOKEN.test(token))) return null;
  const port = /^\d{1,5}(\/\d{1,5})?$/.test(portText)
    ? Number.parseInt(portText, 10)
    : MAX_PORT + 1;
  if (port > MAX_PORT) return null;
  const formats = formatTokens.flatMap((token) => {
    const payloadType = Number(token);
    return /^\d{1,3}$/.test(token) && payloadType <= 127
      ? [{ payloadType, encoding: null, clockRateHz: null, parameters: null }]
      : [];
  });
  return { kind, port, protocol, formatTokens, formats };
}

/** Notes an attribute at its media; returns a direction, for the session when there is no media yet. */
function readAttribute(value: string, media: SdpMedia | undefined): MediaDirection | null {
  const colon = value.indexOf(':');
  const name = colon < 0 ? value : value.slice(0, colon);
  const rest = colon < 0 ? '' : value.slice(colon + 1).trim();
  if (DIRECTIONS.has(name)) {
    const direction = name as MediaDirection;
    if (media) media.direction = direction;
    return direction;
  }
  if (!media) return null;
  if (name === 'rtcp-mux') media.rtcpMux = true;
  if (name === 'crypto' && media.crypto.length < MAX_CRYPTO) media.crypto.push(rest);
  if (name === 'ptime') {
    const ptimeMs = Number(rest);
    if (Number.isFinite(ptimeMs) && ptimeMs >= 1 && ptimeMs <= 1_000) media.ptimeMs = ptimeMs;
  }
  const match = /^(\d{1,3})\s+(.+)$/.exec(rest);
  const format = match && media.formats.find((one) => one.payloadType === Number(match[1]));
  if (!match || !format) return null;
  if (name === 'rtpmap') {
    const [encoding, clock, channels] = (match[2] ?? '').split('/');
    format.encoding = (encoding ?? '').toUpperCase();
    format.clockRateHz = /^\d{1,6}$/.test(clock ?? '') ? Number(clock) : null;
    format.channels = /^\d{1,2}$/.test(channels ?? '') ? Number(channels) : null;
  }
  if (name === 'fmtp') format.parameters = match[2] ?? null;
  return null;
}
