const MAX_SAMPLE = 32_767;
const MIN_SAMPLE = -32_768;

/**
 * What each of several speakers hears: the saturated sum of the others. Null is silence, for a
 * speaker as for a result to which nobody contributes. One pass over all, whatever their number.
 *
 * @param frames one a speaker, of the same length
 * @param targets written to where a speaker hears somebody; one a speaker
 */
export function mixMinusSelf(
  frames: readonly (Int16Array | null)[],
  targets: readonly Int16Array[],
): (Int16Array | null)[] {
  const sampleCount = targets[0]?.length ?? 0;
  const sum = sumOf(frames, sampleCount);
  const speakerCount = frames.reduce((count, frame) => count + (frame ? 1 : 0), 0);
  return frames.map((own, index) => {
    const target = targets[index];
    if (!target || speakerCount - (own ? 1 : 0) === 0) return null;
    for (let i = 0; i < sampleCount; i++) target[i] = saturate((sum[i] ?? 0) - (own?.[i] ?? 0));
    return target;
  });
}

/** The saturated sum of all, into `target`. Null is silence. */
export function mixAll(frames: readonly (Int16Array | null)[], target: Int16Array): Int16Array {
  const sum = sumOf(frames, target.length);
  for (let i = 0; i < target.length; i++) target[i] = saturate(sum[i] ?? 0);
  return target;
}

function sumOf(frames: readonly (Int16Array | null)[], sampleCount: number): Int32Array {
  const sum = new Int32Array(sampleCount);
  for (const frame of frames) {
    if (!frame) continue;
    for (let i = 0; i < sampleCount; i++) sum[i] = (sum[i] ?? 0) + (frame[i] ?? 0);
  }
  return sum;
}

function saturate(value: number): number {
  return value > MAX_SAMPLE ? MAX_SAMPLE : Math.max(value, MIN_SAMPLE);
}
