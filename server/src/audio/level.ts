const FULL_SCALE = 32_768;
/** Below this a telephone line is quiet: idle noise of G.711 lies around -70 dBFS. */
const SILENCE_DBFS = -60;

/** Root mean square relative to full scale; minus infinity for digital silence and for no samples. */
export function levelDbfs(samples: Int16Array): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  if (energy === 0) return Number.NEGATIVE_INFINITY;
  return 10 * Math.log10(energy / samples.length / FULL_SCALE ** 2);
}

/** @param thresholdDbfs quieter than this is silence. Default -60. */
export function isSilent(samples: Int16Array, thresholdDbfs = SILENCE_DBFS): boolean {
  return levelDbfs(samples) < thresholdDbfs;
}
