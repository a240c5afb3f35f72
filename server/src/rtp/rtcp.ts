/** RFC 3550 §12.1: packet types. */
const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
/** §6.5.1. */
const CNAME = 1;
const HEADER_BYTES = 4;
const SENDER_INFO_BYTES = 24;
const REPORT_BLOCK_BYTES = 24;
const MAX_CNAME_BYTES = 255;
/** Seconds from 1900 (NTP) to 1970 (Unix). */
const NTP_EPOCH_OFFSET_S = 2_208_988_800;

const NTP_UNITS_PER_S = 65_536;
const MAX_ROUND_TRIP_MS = 30_000;
const MAX_CLOCK_ERROR_MS = 20;

/** A report block (RFC 3550 §6.4.1). */
export interface ReceptionReport {
  ssrc: number;
  /** 0 to 255: share of packets lost since the last report. */
  fractionLost: number;
  cumulativeLost: number;
  /** With the count of wraps in the upper 16 bits. */
  highestSequence: number;
  /** In timestamp units. */
  jitter: number;
  /** Middle 32 bits of the NTP time of the latest sender report; 0: none came. */
  lastSenderReport: number;
  /** Since that report came, in 1/65536 s. */
  delaySinceLast: number;
}

/** What a sender says of itself (RFC 3550 §6.4.1). */
export interface SenderInfo {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  nowMs: number;
  rtpTimestamp: number;
  packetCount: number;
  octetCount: number;
}

export interface RtcpReport {
  ssrc: number;
  /** null: nothing was sent since the last report, so that it is a receiver report. */
  sender: SenderInfo | null;
  reception: ReceptionReport | null;
  cname: string;
}

/** A compound packet (RFC 3550 §6.1): sender or receiver report, then the CNAME. */
export function writeReport(report: RtcpReport): Buffer {
  return Buffer.concat([reportPacket(report), cnamePacket(report.ssrc, report.cname)]);
}

/** A compound packet that ends with BYE (RFC 3550 §6.6). */
export function writeGoodbye(ssrc: number, cname: string): Buffer {
  const goodbye = Buffer.alloc(8);
  writeHeader(goodbye, 1, GOODBYE);
  goodbye.writeUInt32BE(ssrc >>> 0, 4);
  const report = { ssrc, sender: null, reception: null, cname };
  return Buffer.concat([reportPacket(report), cnamePacket(ssrc, cname), goodbye]);
}

export type RtcpPacket =
  | {
      type: 'sender-report';
      ssrc: number;
      /** Middle 32 bits of its NTP time, to be sent back in our report. */
      ntpMiddle: number;
      reports: ReceptionReport[];
    }
  | { type: 'receiver-report'; ssrc: number; reports: ReceptionReport[] }
  | { type: 'goodbye'; ssrcs: number[] };

export type RtcpParseError = 'too-short' | 'wrong-version' | 'bad-length' | 'not-a-report-first';

export type RtcpParseResult =
  { ok: true; packets: RtcpPacket[] } | { ok: false; error: RtcpParseError };

/** True where a datagram on the RTP port is RTCP (RFC 5761 §4). */
export function looksLikeRtcp(bytes: Buffer): boolean {
  const type = bytes[1] ?? 0;
  return type >= 192 && type <= 223;
}

/**
 * Reads a compound packet (RFC 3550 §6.1, A.2); kinds that mean nothing to us are passed over.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    |V=2|P|  count  |      type     |   length in 32-bit words - 1  |
 *    |                             SSRC                              |
 */
export function parseRtcp(bytes: Buffer): RtcpParseResult {
  if (bytes.length < 8) return { ok: false, error: 'too-short' };
  const packets: RtcpPacket[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < HEADER_BYTES) return { ok: false, error: 'bad-length' };
    const first = bytes.readUInt8(at);
    if (first >> 6 !== 2) return { ok: false, error: 'wrong-version' };
    const type = bytes.readUInt8(at + 1);
    // A.2: what lies at the front must be a report.
    if (at === 0 && type !== SENDER_REPORT && type !== RECEIVER_REPORT) {
      return { ok: false, error: 'not-a-report-first' };
    }
    const lengthBytes = HEADER_BYTES * (bytes.readUInt16BE(at + 2) + 1);
    if (at + lengthBytes > bytes.length) return { ok: false, error: 'bad-length' };
    const parsed = parsePacket(bytes.subarray(at, at + lengthBytes), type, first & 0x1f);
    if (parsed === 'bad-length') return { ok: false, error: 'bad-length' };
    if (parsed) packets.push(parsed);
    at += lengthBytes;
  }
  return { ok: true, packets };
}

/**
 * How long a packet is under way there and back, by a report on our packets (RFC 3550 §6.4.1); null
 * where it names no report of ours, or one from another time.
 */
export function roundTripMs(report: ReceptionReport, nowMs: number): number | null {
  if (report.lastSenderReport === 0) return null;
  const units = (ntpMiddleOf(nowMs) - report.lastSenderReport - report.delaySinceLast) | 0;
  const ms = (units * 1_000) / NTP_UNITS_PER_S;
  // A clock of the far end that runs a little slow must not make time run backwards.
  return ms < -MAX_CLOCK_ERROR_MS || ms > MAX_ROUND_TRIP_MS ? null : Math.max(0, ms);
}

/** Middle 32 bits of the NTP time: 1/65536 s. */
function ntpMiddleOf(nowMs: number): number {
  const seconds = nowMs / 1000 + NTP_EPOCH_OFFSET_S;
  return Math.floor((seconds % 65_536) * NTP_UNITS_PER_S) >>> 0;
}

/** Null: a kind that we do not read. */
function parsePacket(bytes: Buffer, type: number, count: number): RtcpPacket | null | 'bad-length' {
  if (type === GOODBYE) {
    if (bytes.length < HEADER_BYTES + 4 * count) return 'bad-length';
    const ssrcs = Array.from({ length: count }, (_, i) => bytes.readUInt32BE(HEADER_BYTES + 4 * i));
    return { type: 'goodbye', ssrcs };
  }
  if (type !== SENDER_REPORT && type !== RECEIVER_REPORT) return null;
  const blocksAt = type === SENDER_REPORT ? HEADER_BYTES + SENDER_INFO_BYTES : HEADER_BYTES + 4;
  if (bytes.length < blocksAt + REPORT_BLOCK_BYTES * count) return 'bad-length';
  const ssrc = bytes.readUInt32BE(4);
  const reports = Array.from({ length: count }, (_, i) =>
    readBlock(bytes, blocksAt + REPORT_BLOCK_BYTES * i),
  );
  if (type === RECEIVER_REPORT) return { type: 'receiver-report', ssrc, reports };
  return { type: 'sender-report', ssrc, ntpMiddle: bytes.readUInt32BE(10), reports };
}

function readBlock(bytes: Buffer, at: number): ReceptionReport {
  return {
    ssrc: bytes.readUInt32BE(at),
    fractionLost: bytes.readUInt8(at + 4),
    cumulativeLost: bytes.readIntBE(at + 5, 3),
    highestSequence: bytes.readUInt32BE(at + 8),
    jitter: bytes.readUInt32BE(at + 12),
    lastSenderReport: bytes.readUInt32BE(at + 16),
    delaySinceLast: bytes.readUInt32BE(at + 20),
  };
}

function reportPacket({ ssrc, sender, reception }: RtcpReport): Buffer {
  const blocksAt = sender ? HEADER_BYTES + SENDER_INFO_BYTES : HEADER_BYTES + 4;
  const packet = Buffer.alloc(blocksAt + (reception ? REPORT_BLOCK_BYTES : 0));
  writeHeader(packet, reception ? 1 : 0, sender ? SENDER_REPORT : RECEIVER_REPORT);
  packet.writeUInt32BE(ssrc >>> 0, 4);
  if (sender) {
    const seconds = sender.nowMs / 1000 + NTP_EPOCH_OFFSET_S;
    packet.writeUInt32BE(Math.floor(seconds) >>> 0, 8);
    packet.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32) >>> 0, 12);
    packet.writeUInt32BE(sender.rtpTimestamp >>> 0, 16);
    packet.writeUInt32BE(sender.packetCount >>> 0, 20);
    packet.writeUInt32BE(sender.octetCount >>> 0, 24);
  }
  if (reception) writeBlock(packet, blocksAt, reception);
  return packet;
}

function writeBlock(packet: Buffer, at: number, block: ReceptionReport): void {
  packet.writeUInt32BE(block.ssrc >>> 0, at);
  packet.writeUInt8(Math.max(0, Math.min(255, block.fractionLost)), at + 4);
  packet.writeIntBE(Math.max(-0x800000, Math.min(0x7fffff, block.cumulativeLost)), at + 5, 3);
  packet.writeUInt32BE(block.highestSequence >>> 0, at + 8);
  packet.writeUInt32BE(block.jitter >>> 0, at + 12);
  packet.writeUInt32BE(block.lastSenderReport >>> 0, at + 16);
  packet.writeUInt32BE(block.delaySinceLast >>> 0, at + 20);
}

function cnamePacket(ssrc: number, cname: string): Buffer {
  const text = Buffer.from(cname, 'latin1').subarray(0, MAX_CNAME_BYTES);
  // §6.5: one zero ends the list of items; more fill up to 32 bits.
  const packet = Buffer.alloc(Math.ceil((8 + 2 + text.length + 1) / 4) * 4);
  writeHeader(packet, 1, SOURCE_DESCRIPTION);
  packet.writeUInt32BE(ssrc >>> 0, 4);
  packet.writeUInt8(CNAME, 8);
  packet.writeUInt8(text.length, 9);
  text.copy(packet, 10);
  return packet;
}

function writeHeader(packet: Buffer, count: number, type: number): void {
  packet.writeUInt8(0x80 | count, 0);
  packet.writeUInt8(type, 1);
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
}
