import { describe, expect, it } from 'vitest';
import { decodeMulaw } from '../audio/g711.ts';
import { levelDbfs } from '../audio/level.ts';
import { parseRtp, type RtpPacket } from './rtp-packet.ts';
import { RtpSender, type SendFormat } from './rtp-sender.ts';

const FORMAT: SendFormat = {
  codec: 'PCMU',
  payloadType: 0,
  dtmfPayloadType: 101,
  mayTalk: true,
};
const LOUD = new Int16Array(160).fill(32_124);

/** Sends `count` ticks and reads what came of them. */
function send(
  sender: RtpSender,
  count: number,
  options: { format?: SendFormat; frame?: Int16Array | null } = {},
): (RtpPacket | null)[] {
  return Array.from({ length: count }, () => {
    const datagram = sender.tick(options.format ?? FORMAT, options.frame ?? null);
    if (!datagram) return null;
    const parsed = parseRtp(datagram);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.packet;
  });
}

const steps = (values: number[], modulus: number): number[] =>
  values.slice(1).map((value, i) => (value - (values[i] ?? 0) + modulus) % modulus);

describe('RtpSender', () => {
  it('T38 RFC 3550 §5.1: sequence grows by 1 and timestamp by 160, with one SSRC, over both wraps', () => {
    const sender = new RtpSender();
    const packets = send(sender, 70_000).flatMap((packet) => packet ?? []);
    expect(packets).toHaveLength(70_000);
    expect(new Set(packets.map(({ ssrc }) => ssrc))).toEqual(new Set([sender.ssrc]));
    const sequence = steps(
      packets.map(({ sequenceNumber }) => sequenceNumber),
      0x10000,
    );
    const timestamps = steps(
      packets.map(({ rtpTimestamp }) => rtpTimestamp),
      2 ** 32,
    );
    expect(new Set(sequence)).toEqual(new Set([1]));
    expect(new Set(timestamps)).toEqual(new Set([160]));
  });

  it('T38 RFC 3550 §5.1: begins anywhere, differently for each stream', () => {
    const starts = Array.from({ length: 20 }, () => send(new RtpSender(), 1)[0]);
    expect(new Set(starts.map((packet) => packet?.ssrc)).size).toBe(20);
    expect(new Set(starts.map((packet) => packet?.rtpTimestamp)).size).toBe(20);
    expect(new Set(starts.map((packet) => packet?.sequenceNumber)).size).toBeGreaterThan(15);
  });

  it('T38 RFC 3551 §4.1: marks the first packet and no other', () => {
    const packets = send(new RtpSender(), 5, { frame: LOUD });
    expect(packets.map((packet) => packet?.marker)).toEqual([true, false, false, false, false]);
  });

  it.each([
    ['PCMU', 0, 0xff, 0x80],
    ['PCMA', 8, 0xd5, 0xaa],
  ] as const)(
    'sends 160 bytes of %s, silence where there is no frame',
    (codec, payloadType, silence, loud) => {
      const format = { ...FORMAT, codec, payloadType };
      const sender = new RtpSender();
      const [quiet] = send(sender, 1, { format });
      const [spoken] = send(sender, 1, { format, frame: LOUD });
      expect(quiet).toMatchObject({ payloadType, payload: Buffer.alloc(160, silence) });
      expect(spoken?.payload).toEqual(Buffer.alloc(160, loud));
    },
  );

  it('fills a frame that is too short with silence, and cuts one that is too long', () => {
    const sender = new RtpSender();
    const [short] = send(sender, 1, { frame: LOUD.subarray(0, 40) });
    const [long] = send(sender, 1, { frame: new Int16Array(400).fill(32_124) });
    expect(short?.payload).toEqual(
      Buffer.concat([Buffer.alloc(40, 0x80), Buffer.alloc(120, 0xff)]),
    );
    expect(long?.payload).toEqual(Buffer.alloc(160, 0x80));
  });

  it('makes a new datagram each time: one that still waits is not overwritten', () => {
    const sender = new RtpSender();
    const first = sender.tick(FORMAT, LOUD);
    const copy = Buffer.from(first ?? []);
    sender.tick(FORMAT, null);
    expect(first).toEqual(copy);
  });

  it('T42 RFC 6263 §4: on hold one packet of silence a second goes out, at its own time', () => {
    const sender = new RtpSender();
    const [before] = send(sender, 1, { frame: LOUD });
    const held = send(sender, 150, { format: { ...FORMAT, mayTalk: false }, frame: LOUD });
    const sent = held.flatMap((packet) => packet ?? []);
    expect(sent).toHaveLength(3);
    for (const packet of sent) expect(packet.payload).toEqual(Buffer.alloc(160, 0xff));
    const [after] = send(sender, 1, { frame: LOUD });
    const elapsed = ((after?.rtpTimestamp ?? 0) - (before?.rtpTimestamp ?? 0)) >>> 0;
    expect(elapsed).toBe(151 * 160);
    expect(after?.sequenceNumber).toBe(((before?.sequenceNumber ?? 0) + 4) & 0xffff);
  });

  it('T43 RFC 4733 §2.5.1.2: digits replace audio, whose timestamp goes on as if there had been none', async () => {
    const sender = new RtpSender();
    const [before] = send(sender, 1, { frame: LOUD });
    const dialled = sender.dtmf.send('1');
    const packets = send(sender, 10, { frame: LOUD }).flatMap((packet) => packet ?? []);
    await dialled;
    const types = packets.map(({ payloadType }) => payloadType);
    expect(types).toEqual([101, 101, 101, 101, 101, 101, 101, 0, 0, 0]);
    const start = before?.rtpTimestamp ?? 0;
    expect(packets.map(({ rtpTimestamp }) => (rtpTimestamp - start) >>> 0)).toEqual([
      ...Array<number>(7).fill(160),
      ...[8, 9, 10].map((n) => n * 160),
    ]);
    expect(packets.map(({ marker }) => marker)).toEqual(
      packets.map((_packet, tick) => tick === 0 || tick === 7),
    );
    // The pause between digits is silent, and then the frames are heard again.
    expect(packets[7]?.payload).toEqual(Buffer.alloc(160, 0xff));
    expect(packets[8]?.payload).toEqual(Buffer.alloc(160, 0x80));
  });

  it('T43: on hold finishes the digit that has begun and keeps the next ones for later', async () => {
    const sender = new RtpSender();
    const dialled = sender.dtmf.send('12');
    send(sender, 2);
    const held = send(sender, 60, { format: { ...FORMAT, mayTalk: false } });
    const codes = held.flatMap((packet) =>
      packet?.payloadType === 101 ? [packet.payload[0]] : [],
    );
    expect(codes).toEqual([1, 1, 1, 1, 1]);
    const later = send(sender, 8).map((packet) => packet?.payload[0]);
    await dialled;
    expect(later.slice(0, 7)).toEqual(Array(7).fill(2));
  });

  it('T43 ITU-T Q.23: sends tones of 100 ms with pauses of 60 ms where there is no telephone-event', async () => {
    const sender = new RtpSender();
    const format = { ...FORMAT, dtmfPayloadType: null };
    const dialled = sender.dtmf.send('17');
    const packets = send(sender, 16, { format, frame: LOUD });
    await dialled;
    expect(packets.every((packet) => packet?.payloadType === 0)).toBe(true);
    const isLoud = packets.map(
      (packet) => packet !== null && levelDbfs(decodeMulaw(packet.payload)) > -30,
    );
    const key = [true, true, true, true, true, false, false, false];
    expect(isLoud).toEqual([...key, ...key]);
  });

  it('on hold sends no tones, and goes on with them when it may talk again', async () => {
    const sender = new RtpSender();
    const dialled = sender.dtmf.send('1');
    const format = { ...FORMAT, dtmfPayloadType: null };
    send(sender, 2, { format });
    const held = send(sender, 10, { format: { ...format, mayTalk: false } });
    expect(held.every((packet) => packet === null)).toBe(true);
    send(sender, 6, { format });
    await dialled;
  });

  it('T38 RFC 3550 §6.4.1: counts packets, and octets of payload', async () => {
    const sender = new RtpSender();
    send(sender, 3);
    const dialled = sender.dtmf.send('1');
    send(sender, 8);
    await dialled;
    expect(sender.packetCount).toBe(11);
    expect(sender.octetCount).toBe(4 * 160 + 7 * 4);
  });
});
