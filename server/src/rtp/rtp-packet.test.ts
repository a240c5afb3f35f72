import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRtp, sequenceDistance } from './rtp-packet.ts';
import { rtpDatagram } from './testing/udp-peer.ts';

const PAYLOAD = Uint8Array.of(1, 2, 3, 4);

describe('RTP packets', () => {
  it('T38 RFC 3550 §5.1: every field of the header is written and read', () => {
    const header = {
      marker: true,
      payloadType: 101,
      sequenceNumber: 0xfffe,
      rtpTimestamp: 0xfffffff0,
      ssrc: 0xdeadbeef,
    };
    const bytes = rtpDatagram({ ...header, payload: PAYLOAD });
    expect(bytes.toString('hex')).toBe('80e5fffefffffff0deadbeef01020304');
    const parsed = parseRtp(bytes);
    expect(parsed).toEqual({ ok: true, packet: { ...header, payload: Buffer.from(PAYLOAD) } });
  });

  it('T38 RFC 3550 §5.1: contributing sources, the extension and padding are left out', () => {
    const bytes = Buffer.from(
      'b2000001000000a000001234' + // V=2, P, X, CC=2
        '0000000100000002' + // CSRC
        'bede000101020304' + // extension of one word
        '01020304' + // payload
        '00000004', // padding
      'hex',
    );
    const parsed = parseRtp(bytes);
    expect(parsed.ok && Buffer.from(parsed.packet.payload).toString('hex')).toBe('01020304');
  });

  it.each([
    ['too-short', Buffer.alloc(11, 0x80)],
    ['too-short', Buffer.alloc(0)],
    ['wrong-version', Buffer.alloc(172, 0x40)],
    ['bad-length', Buffer.from('8f000001000000a000001234', 'hex')],
    ['bad-length', Buffer.from('90000001000000a000001234bede', 'hex')],
    ['bad-length', Buffer.from('90000001000000a000001234bedeffff01020304', 'hex')],
    ['bad-length', Buffer.from('a0000001000000a00000123400000000', 'hex')],
    ['bad-length', Buffer.from('a0000001000000a000001234000000ff', 'hex')],
  ])('T38 RFC 3550 A.1: answers %s instead of reading past the end', (error, bytes) => {
    expect(parseRtp(bytes)).toEqual({ ok: false, error });
  });

  it('T38: never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const result = parseRtp(Buffer.from(bytes));
        if (result.ok) expect(result.packet.payload.length).toBeLessThanOrEqual(bytes.length - 12);
      }),
    );
  });

  it('T38 RFC 3550 A.1: distances are measured across the wrap', () => {
    expect(sequenceDistance(2, 0xffff)).toBe(3);
    expect(sequenceDistance(0xffff, 2)).toBe(-3);
    expect(sequenceDistance(7, 7)).toBe(0);
  });
});
