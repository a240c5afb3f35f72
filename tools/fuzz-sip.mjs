// Feeds mutated SIP and SDP to the whole user agent: npm run fuzz -- [messages] [seed].
// Prints how many went through each way and the longest that one took; exits 1 where one threw.
import { parseMessage } from '../server/src/sip/parse-message.ts';
import { StreamFramer } from '../server/src/sip/stream-framer.ts';
import { serializeMessage } from '../server/src/sip/serialize-message.ts';
import { MemoryWire, PEER, peerRequest } from '../server/src/sip/testing/memory-wire.ts';
import { readTorture } from '../server/src/sip/testing/read-torture.ts';
import { answerOffer, readAnswer } from '../server/src/sdp/offer-answer.ts';
import { parseSdp } from '../server/src/sdp/parse-sdp.ts';
import { FakeClock } from '../server/src/shared/testing/fake-clock.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 2_147_483_647);
/** A message that holds the event loop up for longer is a fault (the next call waits). */
const STALL_MS = 10;
const KEPT_LEGS = 500;

let state = seed;
const random = () => {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return state / 2_147_483_648;
};
const below = (bound) => Math.floor(random() * bound);
const pick = (list) => list[below(list.length)];

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.9',
  's=-',
  'c=IN IP4 192.0.2.9',
  't=0 0',
  'm=audio 4000 RTP/SAVP 0 8 101',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=ptime:20',
  'a=sendrecv',
  '',
].join('\r\n');
const TORTURE = ['wsinv', 'esc01', 'intmeth', 'longreq', 'badinv01', 'mcl01', 'bcast', 'quotbal'];
const EXTRA = [
  { name: 'Session-Expires', value: '1800;refresher=uac' },
  { name: 'Supported', value: 'timer, 100rel' },
  { name: 'Require', value: '100rel' },
  { name: 'RAck', value: '1 1 INVITE' },
  { name: 'Refer-To', value: '<sip:a@b?Replaces=c%3Bto-tag%3Dd%3Bfrom-tag%3De>' },
];
const METHODS = [
  'INVITE',
  'UPDATE',
  'PRACK',
  'INFO',
  'OPTIONS',
  'REFER',
  'NOTIFY',
  'CANCEL',
  'BYE',
];
const own = METHODS.map((method) =>
  serializeMessage(peerRequest(method, { headers: EXTRA, body: SDP })),
);
const seeds = [...TORTURE.map(readTorture), ...own].map((bytes) => Buffer.from(bytes));
const TRICKY = [
  '\r\n',
  '\n',
  ' ',
  ':',
  ';',
  ',',
  '"',
  '<',
  '>',
  '%',
  '@',
  '[',
  '\0',
  '=',
  '/',
  'é',
  '-1',
  '99999999999',
];

function mutated(text) {
  let bytes = text;
  for (let edits = 1 + below(6); edits > 0; edits--) {
    const at = below(bytes.length + 1);
    const insert = random() < 0.6 ? pick(TRICKY) : String.fromCharCode(below(256));
    const rest = bytes.subarray(Math.min(bytes.length, at + below(12)));
    bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(insert), rest]);
  }
  return bytes;
}

const clock = new FakeClock();
let wire;
function freshWire() {
  wire = new MemoryWire(clock);
  wire.core.events.on('invite', (leg) => {
    const kind = below(4);
    if (kind === 0) leg.reject(486);
    else if (kind === 1) leg.ring(183, SDP);
    else leg.answer(SDP);
    leg.onOffer = () => ({ accept: true, sdp: SDP });
  });
}
freshWire();
const local = {
  host: '192.0.2.1',
  port: 4000,
  codecs: ['PCMU', 'PCMA'],
  direction: 'sendrecv',
  sessionId: 1,
  sessionVersion: 1,
};
const counts = { accepted: 0, refused: 0, sdpRead: 0, sdpRefused: 0 };
let longestMs = 0;
let stalls = 0;
const beganMs = performance.now();

function timed(bytes, sdp) {
  const beforeMs = performance.now();
  new StreamFramer(65_536).push(bytes);
  const result = parseMessage(bytes);
  if (result.ok) {
    counts.accepted++;
    wire.core.receive(result.message, PEER);
  } else {
    counts.refused++;
    wire.core.receiveMalformed(result.error, PEER);
  }
  if (parseSdp(sdp).ok) counts.sdpRead++;
  else counts.sdpRefused++;
  answerOffer(sdp, local);
  readAnswer(sdp, local);
  return performance.now() - beforeMs;
}

for (let sent = 0; sent < count; sent++) {
  const bytes = mutated(pick(seeds));
  const sdp = mutated(Buffer.from(SDP)).toString('utf8');
  let tookMs = 0;
  try {
    tookMs = timed(bytes, sdp);
    // The machine may have been busy, or the collector at work: only what is slow again is slow.
    for (let again = 0; again < 3 && tookMs > STALL_MS; again++) {
      tookMs = Math.min(tookMs, timed(bytes, sdp));
    }
  } catch (error) {
    console.error(`message ${sent} of seed ${seed} threw`, error);
    console.error(JSON.stringify({ message: bytes.toString('latin1'), sdp }));
    process.exit(1);
  }
  if (tookMs > STALL_MS) stalls++;
  longestMs = Math.max(longestMs, tookMs);
  if (wire.core.legs.size > KEPT_LEGS || wire.sent.length > 20_000) {
    await wire.core.close();
    await clock.advance(1_000_000);
    freshWire();
  }
  if (sent % 1000 === 0) await clock.advance(100);
}
const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
console.log(
  JSON.stringify({
    seed,
    messages: count,
    seconds,
    ...counts,
    longestMs: Number(longestMs.toFixed(2)),
    stallsOver10Ms: stalls,
  }),
);
await wire.core.close();
