import { describe, expect, it } from 'vitest';
import { decodeMulaw, encodeMulaw } from '../audio/g711.ts';
import { dtmfTone } from '../audio/tone.ts';
import { InBandDigits } from './in-band-digits.ts';

const KEYS = '0123456789*#ABCD';
const FRAME_SAMPLES = 160;

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Keys as tones with pauses, over mu-law, in packets that `lost` takes some of. */
function heard(
  digits: string,
  { toneMs = 100, pauseMs = 100, packetSamples = FRAME_SAMPLES, lost = (): boolean => false } = {},
): string {
  const pieces = Array.from(digits, (digit) => {
    const piece = new Int16Array((toneMs + pauseMs) * 8);
    piece.set(dtmfTone(digit, toneMs) ?? []);
    return piece;
  });
  // Tones do not begin where packets do.
  const audio = new Int16Array(70 + pieces.length * (toneMs + pauseMs) * 8);
  pieces.forEach((piece, i) => audio.set(piece, 70 + i * piece.length));
  let told = '';
  const listener = new InBandDigits((digit) => (told += digit));
  for (let at = 0; at < audio.length; at += packetSamples) {
    const packet = decodeMulaw(encodeMulaw(audio.subarray(at, at + packetSamples)));
    if (!lost()) listener.push(packet);
  }
  return told;
}

describe('ITU-T Q.23: digits in the audio', () => {
  it('T43: are heard once each, all sixteen', () => {
    expect(heard(KEYS)).toBe(KEYS);
  });

  it('T43: are heard where a key is pressed twice', () => {
    expect(heard('1122##')).toBe('1122##');
  });

  it('T43 ITU-T Q.24: are heard with 50 ms of tone and 60 ms of pause', () => {
    expect(heard(KEYS.repeat(3), { toneMs: 60, pauseMs: 60 })).toBe(KEYS.repeat(3));
  });

  it.each([80, 240, 480])('T43: are heard in packets of %i samples', (packetSamples) => {
    expect(heard(KEYS, { packetSamples })).toBe(KEYS);
  });

  it('T43: misses and doubles none of 10,000 where nothing is lost', () => {
    const random = randomFrom(11);
    const digits = Array.from({ length: 10_000 }, () => KEYS.charAt(random() * 16)).join('');
    expect(heard(digits)).toBe(digits);
  });

  it('T43: doubles none of 2,000 with 5 % of the packets lost, and misses next to none', () => {
    const random = randomFrom(5);
    // The next key is always another one, so that a double is seen.
    const digits = Array.from({ length: 2_000 }, (_, i) => KEYS.charAt((i * 7) % 16)).join('');
    const told = heard(digits, { lost: () => random() < 0.05 });
    expect(told).not.toMatch(/(.)\1/);
    expect(told.length).toBeGreaterThan(1_990);
    expect(told.length).toBeLessThanOrEqual(2_000);
  });
});
