import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goertzelShare } from './goertzel.ts';
import { OpusDecoder, OpusEncoder, opusSampleCount } from './opus.ts';
import { tone } from './tone.ts';

const FRAME_SAMPLES = 160;

describe('RFC 6716: Opus at 8 kHz', () => {
  it('T49: carries a tone in packets of 20 ms', () => {
    const encoder = new OpusEncoder();
    const decoder = new OpusDecoder();
    const before = tone([{ frequenciesHz: [440], durationMs: 1_000 }]);
    const after = new Int16Array(before.length);
    for (let at = 0; at < before.length; at += FRAME_SAMPLES) {
      const packet = encoder.encode(before.subarray(at, at + FRAME_SAMPLES));
      expect(opusSampleCount(packet)).toBe(FRAME_SAMPLES);
      expect(packet.length).toBeLessThan(120);
      decoder.decode(packet, after.subarray(at, at + FRAME_SAMPLES));
    }
    expect(goertzelShare(after.subarray(1_600, 7_000), 440, 8_000)).toBeGreaterThan(0.98);
    encoder.close();
    encoder.close();
    decoder.close();
    decoder.close();
  });

  it.each([
    ['SILK, 20 ms', [0x08], 160],
    ['SILK, 60 ms', [0x18], 480],
    ['hybrid, 10 ms', [0x60], 80],
    ['CELT, 2.5 ms', [0x80], 20],
    ['CELT, 20 ms, stereo', [0xfc], 160],
    ['two frames of 20 ms', [0x09], 320],
    ['code 3 with three frames of 20 ms', [0x0b, 0x03], 480],
    ['more than 120 ms', [0x1b, 0x03], 0],
    ['code 3 without its count', [0x0b], 0],
    ['nothing', [], 0],
  ])('T49 §3.1: tells the length of a packet: %s', (_name, bytes, samples) => {
    expect(opusSampleCount(Uint8Array.from(bytes))).toBe(samples);
  });

  it('T49: never throws, whatever comes, and goes on after it', () => {
    const decoder = new OpusDecoder();
    const encoder = new OpusEncoder();
    const target = new Int16Array(960);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_500 }), (bytes) => {
        decoder.decode(bytes, target.subarray(0, opusSampleCount(bytes)));
      }),
      { numRuns: 500 },
    );
    const voice = tone([{ frequenciesHz: [440], durationMs: 20 }]);
    for (let i = 0; i < 20; i++) decoder.decode(encoder.encode(voice), target.subarray(0, 160));
    expect(target.subarray(0, 160).some((sample) => Math.abs(sample) > 1_000)).toBe(true);
    decoder.close();
    encoder.close();
  });

  it('gives the memory of thousands of calls back', () => {
    const beforeBytes = process.memoryUsage().rss;
    for (let i = 0; i < 3_000; i++) {
      const encoder = new OpusEncoder();
      const decoder = new OpusDecoder();
      encoder.close();
      decoder.close();
    }
    // Kept, they would take about 130 MB.
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(60e6);
  });
});
