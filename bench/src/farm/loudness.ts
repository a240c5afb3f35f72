import { decodeMulaw } from '../../../server/src/audio/g711.ts';

/** RMS from which sound counts as audible, of 32,768: -44 dBFS. */
export const AUDIBLE_RMS = 200;

const squares = Float64Array.from(
  decodeMulaw(Uint8Array.from({ length: 256 }, (_, byte) => byte)),
  (sample) => sample * sample,
);

/** Whether a packet's mu-law payload is louder than AUDIBLE_RMS. */
export function isAudible(payload: Uint8Array): boolean {
  if (payload.length === 0) return false;
  let sum = 0;
  for (const byte of payload) sum += squares[byte] ?? 0;
  return sum >= AUDIBLE_RMS * AUDIBLE_RMS * payload.length;
}
