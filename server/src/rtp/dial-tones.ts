import { dtmfTone } from '../audio/tone.ts';

const FRAME_SAMPLES = 160;
const TONE_MS = 100;
/** Made once for each key; all streams of a thread send the same. */
const tones = new Map<string, Int16Array>();

/** The n-th 20 ms of a key's tone of 100 ms (ITU-T Q.23). `digit` is one of `0-9*#A-D`. */
export function dialTone(digit: string, part: number): Int16Array {
  let whole = tones.get(digit);
  if (!whole) {
    whole = dtmfTone(digit, TONE_MS) ?? new Int16Array(0);
    tones.set(digit, whole);
  }
  return whole.subarray(part * FRAME_SAMPLES, (part + 1) * FRAME_SAMPLES);
}
