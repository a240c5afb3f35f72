import { parseMessage } from '../../server/src/sip/parse-message.ts';
import { serializeMessage } from '../../server/src/sip/serialize-message.ts';
import { validateRequest } from '../../server/src/sip/validate-message.ts';

const SDP = [
  'v=0',
  'o=- 3987654321 1 IN IP4 192.0.2.10',
  's=-',
  'c=IN IP4 192.0.2.10',
  't=0 0',
  'm=audio 16384 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:20',
  'a=sendrecv',
  '',
].join('\r\n');

const INVITE = Buffer.from(
  [
    'INVITE sip:+15005550101@203.0.113.5:5060 SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKPj0b7e3f52;rport',
    'Max-Forwards: 70',
    'From: "Front desk" <sip:+15005550199@192.0.2.10>;tag=8f4f2a1c',
    'To: <sip:+15005550101@203.0.113.5>',
    'Contact: <sip:+15005550199@192.0.2.10:5060;transport=udp>',
    'Call-ID: 5b2f6c0e-9a7d-4e14-8a55-1c2d3e4f5a6b',
    'CSeq: 21044 INVITE',
    'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, PRACK',
    'Supported: replaces, 100rel, timer',
    'Session-Expires: 1800',
    'Min-SE: 90',
    'User-Agent: bench',
    'Content-Type: application/sdp',
    `Content-Length: ${Buffer.byteLength(SDP)}`,
    '',
    SDP,
  ].join('\r\n'),
);

const MEASURE_MS = 2000;
const ROUNDS = 1000;

/** Prints how often a second `work` runs, after half that time of warming up. */
function measure(name: string, work: () => void): void {
  runFor(MEASURE_MS / 2, work);
  const { count, elapsedMs } = runFor(MEASURE_MS, work);
  console.log(`${name}: ${Math.round((count / elapsedMs) * 1000).toLocaleString('en')} messages/s`);
}

function runFor(durationMs: number, work: () => void): { count: number; elapsedMs: number } {
  const startMs = performance.now();
  let count = 0;
  let elapsedMs = 0;
  while (elapsedMs < durationMs) {
    for (let round = 0; round < ROUNDS; round++) work();
    count += ROUNDS;
    elapsedMs = performance.now() - startMs;
  }
  return { count, elapsedMs };
}

const parsed = parseMessage(INVITE);
if (!parsed.ok || parsed.message.kind !== 'request') throw new Error('INVITE was not parsed');
const invite = parsed.message;

console.log(`INVITE of ${INVITE.length} bytes, ${invite.headers.length} header fields, one thread`);
measure('parse', () => void parseMessage(INVITE));
measure('validate', () => void validateRequest(invite));
measure('serialize', () => void serializeMessage(invite));
