const SAMPLE_RATE_HZ = 8_000;
const BEEP_HZ = 1_000;
const BEEP_MS = 500;
const BEEP_AMPLITUDE = 9_000;
/** Rises and falls over this time, so that it does not click. */
const EDGE_MS = 10;

/** The tone after a voicemail's greeting, 8 kHz. */
export function beep(): Int16Array {
  const sampleCount = (SAMPLE_RATE_HZ * BEEP_MS) / 1000;
  const edge = (SAMPLE_RATE_HZ * EDGE_MS) / 1000;
  return Int16Array.from({ length: sampleCount }, (_, i) => {
    const gain = Math.min(1, i / edge, (sampleCount - i) / edge);
    return BEEP_AMPLITUDE * gain * Math.sin((2 * Math.PI * BEEP_HZ * i) / SAMPLE_RATE_HZ);
  });
}
