import { describe, expect, it } from 'vitest';
import type { RtpPacket } from '../../../server/src/rtp/rtp-packet.ts';
import { LineMeter } from './line-meter.ts';

const packet = (sequenceNumber: number, rtpTimestamp: number, ssrc = 7): RtpPacket => ({
  marker: false,
  payloadType: 0,
  sequenceNumber,
  rtpTimestamp,
  ssrc,
  payload: new Uint8Array(160),
});

describe('LineMeter', () => {
  it('finds nothing wrong with a regular stream, across both wraps', () => {
    const meter = new LineMeter();
    meter.push(packet(65_535, 0xffffff60), 0);
    meter.push(packet(0, 0), 20);
    meter.push(packet(1, 160), 41);
    expect(meter.take()).toEqual({
      packets: 3,
      sequenceErrors: 0,
      timestampErrors: 0,
      gapsMs: [20, 21],
    });
  });

  it('counts every packet that is missing, and one that comes late', () => {
    const meter = new LineMeter();
    meter.push(packet(1, 160), 0);
    meter.push(packet(4, 640), 60);
    expect(meter.take().sequenceErrors).toBe(2);
    meter.push(packet(3, 480), 61);
    expect(meter.take()).toMatchObject({ sequenceErrors: 1, timestampErrors: 0 });
  });

  it('counts a timestamp that does not follow the sequence number', () => {
    const meter = new LineMeter();
    meter.push(packet(1, 160), 0);
    meter.push(packet(2, 160), 20);
    meter.push(packet(3, 320), 40);
    expect(meter.take()).toMatchObject({ sequenceErrors: 0, timestampErrors: 1 });
  });

  it('compares nothing across two sources, nor across a restart', () => {
    const meter = new LineMeter();
    meter.push(packet(1, 160), 0);
    meter.push(packet(900, 5, 8), 500);
    expect(meter.take()).toMatchObject({ packets: 2, sequenceErrors: 0, gapsMs: [] });
    meter.restart();
    meter.push(packet(4_000, 9, 8), 900);
    expect(meter.take()).toMatchObject({ packets: 1, sequenceErrors: 0, gapsMs: [] });
  });
});
