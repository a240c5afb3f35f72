import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { G722Decoder, G722Encoder } from './g722.ts';
import { tone } from './tone.ts';

/** A triangle of rising pitch and changing level, with noise at times; whole numbers only. */
function signal(sampleCount: number, rateHz: number): Int16Array {
  let seed = 12_345n;
  let phase = 0;
  return Int16Array.from({ length: sampleCount }, (_, i) => {
    seed = (seed * 1_103_515_245n + 12_345n) & 0x7fffffffn;
    const noise = (Number(seed >> 16n) & 0x7ff) - 1_024;
    const pitch = 200 + Math.floor((i * 7) / 16);
    phase = (phase + Math.floor((pitch * 65_536) / (rateHz * 2))) & 0xffff;
    const triangle = (phase < 32_768 ? phase : 65_535 - phase) * 2 - 32_768;
    const level = Math.floor(i / 800) % 5;
    const value = Math.floor((triangle * level) / 5) + (Math.floor(i / 1_600) % 2 ? noise : 0);
    return Math.max(-32_768, Math.min(32_767, value));
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function bytesOf(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

function encoded(samples: Int16Array): Uint8Array {
  const target = new Uint8Array(samples.length);
  new G722Encoder().encode(samples, target);
  return target;
}

function decoded(payload: Uint8Array): Int16Array {
  const target = new Int16Array(payload.length);
  new G722Decoder().decode(payload, target);
  return target;
}

/** Signal to noise in dB, at the best delay of up to 8 samples. */
function likenessDb(before: Int16Array, after: Int16Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let delay = 0; delay < 8; delay++) {
    let power = 0;
    let error = 0;
    for (let i = 400; i < before.length - delay; i++) {
      const sample = before[i] ?? 0;
      power += sample ** 2;
      error += (sample - (after[i + delay] ?? 0)) ** 2;
    }
    best = Math.max(best, 10 * Math.log10(power / error));
  }
  return best;
}

describe('ITU-T G.722', () => {
  // The same signal through SpanDSP's codec in its mode of 8 kHz.
  it('T49 clause 6.2: encodes bit for bit as another implementation', () => {
    const bytes = encoded(signal(16_000, 8_000));
    expect(Buffer.from(bytes.subarray(1_000, 1_032)).toString('hex')).toBe(
      'f9def7dfedf5f9f7fad5d5f5f8fadefed5d4d7fed5dde6d8dcdcfdf9f9effcf1',
    );
    expect(sha256(bytes)).toBe('274a988a23999320e99f76f0f6d5f9ee08717942688b9d2ea7ae173cc4672717');
  });

  it('T49 clause 6.2: decodes bit for bit as another implementation', () => {
    const samples = decoded(encoded(signal(16_000, 8_000)));
    expect(sha256(bytesOf(samples))).toBe(
      '0a041e0ae2bbd404fa8171926db4c48febc8ca8d0ec89c284f1a8792c1dc1330',
    );
  });

  it.each([[400], [1_000], [3_000]])('T49: carries a tone of %i Hz', (frequencyHz) => {
    const before = tone([{ frequenciesHz: [frequencyHz], durationMs: 500 }]);
    expect(likenessDb(before, decoded(encoded(before)))).toBeGreaterThan(25);
  });

  it('T49: says that the band above 4 kHz is silent, and takes whatever it holds', () => {
    const bytes = encoded(signal(800, 8_000));
    expect(bytes.every((byte) => byte >> 6 === 3)).toBe(true);
    const other = bytes.map((byte, i) => (byte & 0x3f) | ((i & 3) << 6));
    expect(decoded(other)).toEqual(decoded(bytes));
  });

  it('T49: goes on over packets as in one piece', () => {
    const whole = signal(800, 8_000);
    const target = new Uint8Array(800);
    const encoder = new G722Encoder();
    for (let at = 0; at < 800; at += 160) encoder.encode(whole.subarray(at, at + 160), target, at);
    expect(target).toEqual(encoded(whole));
  });

  it('T49: gives samples for any octets', () => {
    const samples = decoded(
      Uint8Array.from({ length: 4_000 }, (_, i) => (i * 37 + (i >> 3)) & 255),
    );
    expect(samples.every((sample) => Math.abs(sample) <= 32_768)).toBe(true);
  });
});
