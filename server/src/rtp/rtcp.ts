/** RFC 3550 §6: packet types. */
const SENDER_REPORT = 200;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const CNAME = 1;
/** Seconds from 1900 (NTP) to 1970 (Unix). */
const NTP_EPOCH_OFFSET_S = 2_208_988_800;

export interface ReceptionReport {
  ssrc: number;
  /** 0 to 255: share of packets lost since the last report. */
  fractionLost: number;
  cumulativeLost: number;
  highestSequence: number;
  /** In timestamp units. */
  jitter: number;
}

export interface SenderReportData {
  ssrc: number;
  nowMs: number;
  rtpTimestamp: number;
  packetCount: number;
  octetCount: number;
  reception: ReceptionReport | null;
  cname: string;
}

/** A compound packet: sender report with at most one reception report, and the CNAME (§6.4.1, §6.5). */
export function writeSenderReport(data: SenderReportData): Buffer {
  const reportCount = data.reception ? 1 : 0;
  const report = Buffer.alloc(28 + 24 * reportCount);
  writeHeader(report, reportCount, SENDER_REPORT);
  report.writeUInt32BE(data.ssrc >>> 0, 4);
  const seconds = data.nowMs / 1000 + NTP_EPOCH_OFFSET_S;
  report.writeUInt32BE(Math.floor(seconds) >>> 0, 8);
  report.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32) >>> 0, 12);
  report.writeUInt32BE(data.rtpTimestamp >>> 0, 16);
  report.writeUInt32BE(data.packetCount >>> 0, 20);
  report.writeUInt32BE(data.octetCount >>> 0, 24);
  if (data.reception) {
    const { ssrc, fractionLost, cumulativeLost, highestSequence, jitter } = data.reception;
    report.writeUInt32BE(ssrc >>> 0, 28);
    report.writeUInt8(Math.max(0, Math.min(255, fractionLost)), 32);
    report.writeUIntBE(Math.max(0, Math.min(0x7fffff, cumulativeLost)), 33, 3);
    report.writeUInt32BE(highestSequence >>> 0, 36);
    report.writeUInt32BE(Math.round(jitter) >>> 0, 40);
  }
  return Buffer.concat([report, writeCname(data.ssrc, data.cname)]);
}

/** §6.6. */
export function writeGoodbye(ssrc: number): Buffer {
  const packet = Buffer.alloc(8);
  writeHeader(packet, 1, GOODBYE);
  packet.writeUInt32BE(ssrc >>> 0, 4);
  return packet;
}

function writeCname(ssrc: number, cname: string): Buffer {
  const text = Buffer.from(cname.slice(0, 255), 'latin1');
  // One zero ends the list of items; more fill up to 32 bits.
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
