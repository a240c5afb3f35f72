import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looksLikeRtcp, parseRtcp, writeGoodbye, writeReport } from './rtcp.ts';

const RECEPTION = {
  ssrc: 0x2222,
  fractionLost: 12,
  cumulativeLost: 345,
  highestSequence: 0x1_0002,
  jitter: 67,
  lastSenderReport: 0xaabbccdd,
  delaySinceLast: 65_536,
};

describe('RTCP', () => {
  it('T38 RFC 3550 §6.4.1: a sender report with a report block and the CNAME', () => {
    const bytes = writeReport({
      ssrc: 0x1111,
      sender: { nowMs: 500, rtpTimestamp: 160, packetCount: 2, octetCount: 320 },
      reception: RECEPTION,
      cname: 'abc',
    });
    expect(bytes.toString('hex')).toBe(
      '81c8000c' +
        '00001111' +
        '83aa7e8080000000' + // 1970 in NTP, and a half second
        '000000a0' +
        '00000002' +
        '00000140' +
        '00002222' +
        '0c000159' +
        '00010002' +
        '00000043' +
        'aabbccdd' +
        '00010000' +
        '81ca0003' +
        '00001111' +
        '0103616263000000',
    );
    expect(parseRtcp(bytes)).toEqual({
      ok: true,
      packets: [
        { type: 'sender-report', ssrc: 0x1111, ntpMiddle: 0x7e808000, reports: [RECEPTION] },
      ],
    });
  });

  it('T38 RFC 3550 §6.4.2: who sent nothing gives a receiver report', () => {
    const bytes = writeReport({ ssrc: 1, sender: null, reception: RECEPTION, cname: 'a' });
    expect(parseRtcp(bytes)).toEqual({
      ok: true,
      packets: [{ type: 'receiver-report', ssrc: 1, reports: [RECEPTION] }],
    });
  });

  it('T38 RFC 3550 §6.6: BYE comes at the end of a compound packet', () => {
    const bytes = writeGoodbye(7, 'a');
    expect(bytes.readUInt8(1)).toBe(201);
    expect(parseRtcp(bytes)).toEqual({
      ok: true,
      packets: [
        { type: 'receiver-report', ssrc: 7, reports: [] },
        { type: 'goodbye', ssrcs: [7] },
      ],
    });
  });

  it.each([
    ['too-short', '81c90001'],
    ['wrong-version', '01c9000100000001'],
    ['bad-length', '80c9000200000001'],
    ['bad-length', '81c9000100000001'],
    ['bad-length', '80c800010000000181ca'],
    ['not-a-report-first', '81cb000100000007'],
  ])('T38 RFC 3550 A.2: answers %s', (error, hex) => {
    expect(parseRtcp(Buffer.from(hex, 'hex'))).toEqual({ ok: false, error });
  });

  it('T38: never throws, whatever comes', () => {
    const prefix = fc.constantFrom([0x81, 200], [0x9f, 201], [0x80, 203], []);
    fc.assert(
      fc.property(prefix, fc.uint8Array({ maxLength: 120 }), (head, rest) => {
        const result = parseRtcp(Buffer.from([...head, ...rest]));
        expect(typeof result.ok).toBe('boolean');
      }),
    );
  });

  it('T38 RFC 5761 §4: is told from RTP on one port, with any payload type and marker of ours', () => {
    expect(looksLikeRtcp(writeGoodbye(1, 'a'))).toBe(true);
    for (const second of [0, 8, 13, 101, 0x80, 0x88, 0x80 | 101]) {
      expect(looksLikeRtcp(Buffer.from([0x80, second]))).toBe(false);
    }
  });
});
