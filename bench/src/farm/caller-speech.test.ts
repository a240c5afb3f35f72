import { describe, expect, it } from 'vitest';
import { audiblePart, utterance } from './caller-speech.ts';
import { isAudible } from './loudness.ts';

const tone = (from: number, to: number, length: number, peak = 4_000): Int16Array =>
  Int16Array.from({ length }, (_, n) => (n >= from && n < to ? (n % 2 === 0 ? peak : -peak) : 0));

describe('utterance', () => {
  it('begins with the first audible sample and ends in the frame with the last one', () => {
    const { frames } = utterance('x', tone(400, 800, 2_000));
    expect(audiblePart(tone(400, 800, 2_000))).toEqual({ from: 400, to: 800 });
    expect(frames).toHaveLength(3);
    expect(frames.map(isAudible)).toEqual([true, true, true]);
    expect(frames[0]?.[0]).not.toBe(0xff);
    expect(Array.from(frames[2] ?? []).slice(80)).toEqual(Array.from({ length: 80 }, () => 0xff));
  });

  it('does not take what is quieter than -44 dBFS for speech', () => {
    expect(audiblePart(tone(0, 400, 400, 190))).toEqual({ from: 0, to: 0 });
    expect(audiblePart(tone(0, 400, 400, 210))).toEqual({ from: 0, to: 400 });
  });
});

describe('isAudible', () => {
  it('is false for silence and for nothing', () => {
    expect(isAudible(new Uint8Array(160).fill(0xff))).toBe(false);
    expect(isAudible(new Uint8Array(0))).toBe(false);
  });
});
