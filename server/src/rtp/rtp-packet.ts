/** Fixed header of RFC 3550 §5.1. */
export const RTP_HEADER_BYTES = 12;
const VERSION = 2;

export interface RtpPacket {
  marker: boolean;
  payloadType: number;
  sequenceNumber: number;
  rtpTimestamp: number;
  ssrc: number;
  /** A view of the datagram. */
  payload: Uint8Array;
}

export type RtpParseError = 'too-short' | 'wrong-version' | 'bad-length';

export type RtpParseResult = { ok: true; packet: RtpPacket } | { ok: false; error: RtpParseError };

/**
 * Reads a datagram (RFC 3550 §5.1):
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *    |                           timestamp                           |
 *    |                             SSRC                              |
 *    |                    CSRC, CC times                             |
 *    |      profile (X)              |   length in 32-bit words      |
 */
export function parseRtp(bytes: Buffer): RtpParseResult {
  if (bytes.length < RTP_HEADER_BYTES) return { ok: false, error: 'too-short' };
  const first = bytes.readUInt8(0);
  if (first >> 6 !== VERSION) return { ok: false, error: 'wrong-version' };
  let from = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if (first & 0x10) {
    if (bytes.length < from + 4) return { ok: false, error: 'bad-length' };
    from += 4 + 4 * bytes.readUInt16BE(from + 2);
  }
  let to = bytes.length;
  if (first & 0x20) {
    const paddingBytes = bytes.readUInt8(bytes.length - 1);
    if (paddingBytes === 0) return { ok: false, error: 'bad-length' };
    to -= paddingBytes;
  }
  if (from > to) return { ok: false, error: 'bad-length' };
  const second = bytes.readUInt8(1);
  return {
    ok: true,
    packet: {
      marker: (second & 0x80) !== 0,
      payloadType: second & 0x7f,
      sequenceNumber: bytes.readUInt16BE(2),
      rtpTimestamp: bytes.readUInt32BE(4),
      ssrc: bytes.readUInt32BE(8),
      payload: bytes.subarray(from, to),
    },
  };
}

/** Writes a header into `target`, which has at least RTP_HEADER_BYTES. */
export function writeRtpHeader(target: Buffer, header: Omit<RtpPacket, 'payload'>): void {
  target.writeUInt8(VERSION << 6, 0);
  target.writeUInt8((header.marker ? 0x80 : 0) | header.payloadType, 1);
  target.writeUInt16BE(header.sequenceNumber & 0xffff, 2);
  target.writeUInt32BE(header.rtpTimestamp >>> 0, 4);
  target.writeUInt32BE(header.ssrc >>> 0, 8);
}

/** How far sequence number `a` is after `b`, across the wrap: -32768 to 32767 (RFC 3550 A.1). */
export function sequenceDistance(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}
