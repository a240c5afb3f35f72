import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger as logger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { startMediaEngine, type MediaEngine, type RtpStream } from './media-engine.ts';
import { parseRtcp, roundTripMs } from './rtcp.ts';
import { openPeer, until, type UdpPeer } from './testing/udp-peer.ts';

let clock: FakeClock;
let engine: MediaEngine;
let peer: UdpPeer;
let stream: RtpStream;

beforeEach(async () => {
  clock = new FakeClock();
  engine = startMediaEngine({ host: '127.0.0.1', portMin: 23_000, portMax: 29_999, clock, logger });
  peer = await openPeer();
  stream = await engine.open();
  await clock.advance(10);
  const { host, port } = peer;
  const format = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101 } as const;
  stream.connect({ host, port, ...format, direction: 'sendrecv', rtcpMux: true });
});
afterEach(async () => {
  engine.close();
  await peer.close();
});

const reportsOf = (): Buffer[] => peer.received.filter((bytes) => (bytes[1] ?? 0) >= 200);

/** A receiver report about the stream, as its far end makes one (RFC 3550 §6.4.2). */
function receiverReport(about: {
  ssrc: number;
  lost: number;
  jitter: number;
  lastSenderReport: number;
  delaySinceLast: number;
}): Buffer {
  const packet = Buffer.alloc(32);
  packet.writeUInt32BE(0x81c90007, 0);
  packet.writeUInt32BE(0x1234, 4);
  packet.writeUInt32BE(about.ssrc, 8);
  packet.writeIntBE(about.lost, 13, 3);
  packet.writeUInt32BE(about.jitter, 20);
  packet.writeUInt32BE(about.lastSenderReport, 24);
  packet.writeUInt32BE(about.delaySinceLast, 28);
  return packet;
}

it('T38 RFC 5761 §5.1.1: sends its reports and its goodbye to the RTP port, and reads them there', async () => {
  await clock.advance(5_000);
  await until(() => reportsOf().length === 1);
  expect(parseRtcp(reportsOf()[0] ?? Buffer.alloc(0))).toMatchObject({
    ok: true,
    packets: [{ type: 'sender-report' }],
  });
  stream.close();
  await until(() => reportsOf().length === 2);
  expect(parseRtcp(reportsOf()[1] ?? Buffer.alloc(0))).toMatchObject({
    packets: [{ type: 'receiver-report' }, { type: 'goodbye' }],
  });
});

it('T38 RFC 3550 §6.4.1: learns of loss, jitter and round trip from the reports of the far end', async () => {
  await clock.advance(5_000);
  await until(() => reportsOf().length === 1);
  const sent = parseRtcp(reportsOf()[0] ?? Buffer.alloc(0));
  const first = sent.ok ? sent.packets[0] : undefined;
  if (first?.type !== 'sender-report') throw new Error('no sender report');
  // It left in a tick 10 ms ago; the far end has it for 120 ms, and its own report comes 200 ms later.
  await clock.advance(200);
  const about = {
    ssrc: first.ssrc,
    lost: 7,
    jitter: 160,
    lastSenderReport: first.ntpMiddle,
    delaySinceLast: Math.round(0.12 * 65_536),
  };
  const stranger = { ...about, ssrc: (first.ssrc ^ 1) >>> 0, lost: 99 };
  await peer.send(receiverReport(stranger), stream.localPort);
  await peer.send(receiverReport(about), stream.localPort);
  await until(() => stream.stats.remote !== null);
  expect(stream.stats.remote).toEqual({ packetsLost: 7, jitterMs: 20 });
  expect(stream.stats.rttMs).toBeCloseTo(90, 0);
});

it('T38 RFC 3550 §6.4.1: takes no round trip from a report of another time', () => {
  const report = {
    ssrc: 1,
    fractionLost: 0,
    cumulativeLost: 0,
    highestSequence: 0,
    jitter: 0,
    lastSenderReport: 0,
    delaySinceLast: 0,
  };
  expect(roundTripMs(report, 1_700_000_000_000)).toBeNull();
  expect(roundTripMs({ ...report, lastSenderReport: 0x12345678 }, 1_700_000_000_000)).toBeNull();
});
