import { describe, expect, it } from 'vitest';
import {
  ALAW_SILENCE,
  decodeAlaw,
  decodeMulaw,
  encodeAlaw,
  encodeMulaw,
  MULAW_SILENCE,
} from './g711.ts';

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const EVERY_SAMPLE = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);
const mulaw = (byte: number): number | undefined => decodeMulaw(Uint8Array.of(byte))[0];
const alaw = (byte: number): number | undefined => decodeAlaw(Uint8Array.of(byte))[0];

/** The values that a byte can stand for, in order, without the one that stands for 0 twice. */
function levels(decoded: Int16Array): number[] {
  return [...new Set(decoded)].sort((a, b) => a - b);
}

describe('G.711', () => {
  // Table 2a and 2b give 14 and 13 bits; these are the same values as 16 bits.
  it.each([
    [0x00, -32_124],
    [0x0f, -16_764],
    [0x10, -15_996],
    [0x1f, -8_316],
    [0x6f, -132],
    [0x70, -120],
    [0x7e, -8],
    [0x7f, 0],
    [0x80, 32_124],
    [0x8f, 16_764],
    [0xa0, 7_932],
    [0xef, 132],
    [0xf0, 120],
    [0xfe, 8],
    [0xff, 0],
  ])('ITU-T G.711 table 2b: mu-law byte %i is %i', (byte, sample) => {
    expect(mulaw(byte)).toBe(sample);
  });

  it.each([
    [0x2a, -32_256],
    [0xaa, 32_256],
    [0x25, -16_896],
    [0xa5, 16_896],
    [0x3a, -16_128],
    [0x45, -264],
    [0xc5, 264],
    [0x55, -8],
    [0xd5, 8],
    [0x54, -24],
    [0xd4, 24],
    [0x80, 5_504],
  ])('ITU-T G.711 table 2a: A-law byte %i is %i', (byte, sample) => {
    expect(alaw(byte)).toBe(sample);
  });

  it('T49: mu-law: all 256 codes come back unchanged, but for negative zero', () => {
    const back = encodeMulaw(decodeMulaw(EVERY_BYTE));
    expect([...back].filter((byte, i) => byte !== i)).toEqual([0xff]);
    expect(back[0x7f]).toBe(0xff);
  });

  it('T49: A-law: all 256 codes come back unchanged', () => {
    expect(encodeAlaw(decodeAlaw(EVERY_BYTE))).toEqual(EVERY_BYTE);
  });

  it.each([
    ['mu-law', encodeMulaw, decodeMulaw, 32_124],
    ['A-law', encodeAlaw, decodeAlaw, 32_256],
  ] as const)(
    '%s: every sample becomes one of its two nearest levels',
    (_name, encode, decode, loudest) => {
      const known = levels(decode(EVERY_BYTE));
      const decoded = decode(encode(EVERY_SAMPLE));
      let above = 0;
      EVERY_SAMPLE.forEach((sample, i) => {
        while (above < known.length - 1 && (known[above] ?? 0) < sample) above++;
        const nearest = [known[above - 1], known[above]];
        if (Math.abs(sample) <= loudest) expect(nearest.includes(decoded[i])).toBe(true);
        else expect(decoded[i]).toBe(Math.sign(sample) * loudest);
      });
    },
  );

  it('T49: the bytes of silence are those nearest to 0', () => {
    expect(encodeMulaw(Int16Array.of(0))[0]).toBe(MULAW_SILENCE);
    expect(encodeAlaw(Int16Array.of(0))[0]).toBe(ALAW_SILENCE);
    expect(mulaw(MULAW_SILENCE)).toBe(0);
    expect(alaw(ALAW_SILENCE)).toBe(8);
  });

  it('writes into what it is given, from the offset on, and nowhere else', () => {
    const bytes = new Uint8Array(6).fill(0x11);
    expect(encodeMulaw(Int16Array.of(0, -32_768), bytes, 2)).toBe(bytes);
    expect([...bytes]).toEqual([0x11, 0x11, 0xff, 0x00, 0x11, 0x11]);
    const samples = new Int16Array(3).fill(7);
    expect(decodeMulaw(Uint8Array.of(0x80), samples)).toBe(samples);
    expect([...samples]).toEqual([32_124, 7, 7]);
  });
});
