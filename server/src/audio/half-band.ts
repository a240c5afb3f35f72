/** Taps on each side of the middle, odd ones only: every second tap of a half-band filter is 0. */
const SIDE_TAPS = 16;

/** Odd taps of a windowed-sinc half-band low-pass: h[1], h[3], ... */
const TAPS = Float32Array.from({ length: SIDE_TAPS }, (_, i) => {
  const n = 2 * i + 1;
  const window = 0.5 + 0.5 * Math.cos((Math.PI * n) / (2 * SIDE_TAPS + 1));
  return (window * Math.sin((Math.PI * n) / 2)) / (Math.PI * n);
});

/** Twice the sample rate, for whole signals; 16-bit samples become -1 to 1. */
export function upsampleByTwo(samples: Int16Array): Float32Array {
  const out = new Float32Array(samples.length * 2);
  for (let n = 0; n < samples.length; n++) {
    out[2 * n] = (samples[n] ?? 0) / 32768;
    let sum = 0;
    for (let i = 0; i < SIDE_TAPS; i++) {
      sum += (TAPS[i] ?? 0) * ((samples[n - i] ?? 0) + (samples[n + 1 + i] ?? 0));
    }
    // Twice, because a stuffed zero halves the level.
    out[2 * n + 1] = (2 * sum) / 32768;
  }
  return out;
}

/** Half the sample rate, for whole signals; the upper half of the band is filtered away. */
export function downsampleByTwo(samples: Int16Array): Int16Array {
  const out = new Int16Array(samples.length >> 1);
  for (let n = 0; n < out.length; n++) {
    const middle = 2 * n;
    let sum = 0.5 * (samples[middle] ?? 0);
    for (let i = 0; i < SIDE_TAPS; i++) {
      const distance = 2 * i + 1;
      sum +=
        (TAPS[i] ?? 0) * ((samples[middle - distance] ?? 0) + (samples[middle + distance] ?? 0));
    }
    out[n] = Math.max(-32768, Math.min(32767, Math.round(sum)));
  }
  return out;
}
