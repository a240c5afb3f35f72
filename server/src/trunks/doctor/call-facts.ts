import { parseSdp, type SdpMedia } from '../../sdp/parse-sdp.ts';
import { getHeader } from '../../sip/message.ts';
import type { SipRequest, SipResponse } from '../../sip/message.ts';
import type { ExaminedCall } from './evidence.ts';

/** An audio line of an offer or answer. */
export interface AudioLine {
  protocol: string;
  codecs: string[];
  /** RFC 4568: the line carries a key. */
  hasCrypto: boolean;
  host: string | null;
}

/** What the signalling of a call says, put together. */
export interface CallFacts {
  /** The last INVITE that left, or the one that came. */
  invite: SipRequest | null;
  /** The last final response to an INVITE. */
  final: SipResponse | null;
  /** Final text, warnings and the carriers' own error headers, lower case. */
  words: string;
  challenges: number;
  /** Whether an INVITE with credentials was answered by a challenge or a refusal. */
  credentialsRefused: boolean;
  credentialsSent: boolean;
  anythingReceived: boolean;
  offered: AudioLine | null;
  answered: AudioLine | null;
}

/** Headers in which carriers say why. */
const REASON_HEADERS = [
  'Warning',
  'Reason',
  'X-Twilio-Error',
  'X-ZT-Hangup-Code',
  'X-Plivo-Hangup-Cause',
  'X-Telnyx-Error',
  'Error-Info',
];

/** Reads the messages of a call from the dialling side's point of view. */
export function callFacts(call: ExaminedCall): CallFacts {
  const facts: CallFacts = {
    invite: null,
    final: null,
    words: '',
    challenges: 0,
    credentialsRefused: false,
    credentialsSent: false,
    anythingReceived: false,
    offered: null,
    answered: null,
  };
  let lastHadCredentials = false;
  for (const { direction, message } of call.messages) {
    if (direction === 'received') facts.anythingReceived = true;
    if (message.kind === 'request') {
      if (message.method !== 'INVITE') continue;
      facts.invite ??= message;
      lastHadCredentials = signsIn(message);
      facts.credentialsSent ||= lastHadCredentials;
      facts.offered ??= audioOf(message.body);
    } else if (isOfInvite(message) && message.status >= 180) {
      facts.answered = audioOf(message.body) ?? facts.answered;
      if (message.status < 200) continue;
      const challenged = message.status === 401 || message.status === 407;
      if (challenged) facts.challenges++;
      if (lastHadCredentials && (challenged || message.status === 403)) {
        facts.credentialsRefused = !isStale(message);
      }
      facts.final = message;
    }
  }
  facts.words = wordsOf(facts.final, call);
  return facts;
}

function isOfInvite(response: SipResponse): boolean {
  return /\bINVITE\s*$/i.test(getHeader(response, 'CSeq') ?? '');
}

function signsIn(request: SipRequest): boolean {
  return (
    getHeader(request, 'Authorization') !== undefined ||
    getHeader(request, 'Proxy-Authorization') !== undefined
  );
}

/** RFC 7616 §3.3: only the nonce was too old. */
function isStale(response: SipResponse): boolean {
  const challenge =
    getHeader(response, 'WWW-Authenticate') ?? getHeader(response, 'Proxy-Authenticate') ?? '';
  return /stale\s*=\s*"?true/i.test(challenge);
}

function wordsOf(final: SipResponse | null, call: ExaminedCall): string {
  const headers = final
    ? REASON_HEADERS.map((name) => getHeader(final, name)).filter((value) => value !== undefined)
    : [];
  const text = [final?.reason ?? call.sipReason ?? '', ...headers].join(' ');
  return text.slice(0, 2_000).toLowerCase();
}

function audioOf(body: string): AudioLine | null {
  if (body === '') return null;
  const parsed = parseSdp(body);
  const line = parsed.ok ? parsed.value.media.find(({ kind }) => kind === 'audio') : undefined;
  if (!line) return null;
  return {
    protocol: line.protocol,
    codecs: codecsOf(line),
    hasCrypto: /^a=crypto:/m.test(body),
    host: line.host,
  };
}

/** RFC 3551 table 4. */
const STATIC_NAMES: Readonly<Record<number, string>> = {
  0: 'PCMU',
  3: 'GSM',
  4: 'G723',
  8: 'PCMA',
  9: 'G722',
  18: 'G729',
};

function codecsOf(line: SdpMedia): string[] {
  return line.formats
    .map(({ encoding, payloadType }) => encoding ?? STATIC_NAMES[payloadType] ?? `${payloadType}`)
    .filter((name) => name !== 'TELEPHONE-EVENT');
}
