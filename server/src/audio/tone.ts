const FULL_SCALE = 32_767;
const DEFAULT_SAMPLE_RATE_HZ = 8_000;
/** Tones that begin or end at full level click. */
const FADE_MS = 5;

/** A piece of a tone plan: frequencies that sound together; none: a pause. */
export interface ToneSegment {
  frequenciesHz: readonly number[];
  durationMs: number;
  /** Of the sum's peak. Default -12. */
  levelDbfs?: number;
}

const RING_HZ = [440, 480];
const BUSY_HZ = [480, 620];

/** North American ringback: 2 s on, 4 s off. */
export const RINGBACK: readonly ToneSegment[] = [
  { frequenciesHz: RING_HZ, durationMs: 2_000 },
  { frequenciesHz: [], durationMs: 4_000 },
];

/** North American busy: half a second on, half a second off. */
export const BUSY: readonly ToneSegment[] = [
  { frequenciesHz: BUSY_HZ, durationMs: 500 },
  { frequenciesHz: [], durationMs: 500 },
];

/** The beep of a voicemail box. */
export const BEEP: readonly ToneSegment[] = [{ frequenciesHz: [1_000], durationMs: 400 }];

/** ITU-T Q.23: row and column of each key. */
export const DTMF_ROWS_HZ: readonly number[] = [697, 770, 852, 941];
export const DTMF_COLUMNS_HZ: readonly number[] = [1_209, 1_336, 1_477, 1_633];
export const DTMF_KEYS: readonly string[] = ['123A', '456B', '789C', '*0#D'];

/** Samples of a plan, once through. Each segment fades in and out within 5 ms. */
export function tone(
  segments: readonly ToneSegment[],
  sampleRateHz = DEFAULT_SAMPLE_RATE_HZ,
): Int16Array {
  const lengths = segments.map(({ durationMs }) => Math.round((durationMs * sampleRateHz) / 1000));
  const samples = new Int16Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  segments.forEach((segment, index) => {
    const length = lengths[index] ?? 0;
    writeSegment(segment, sampleRateHz, samples.subarray(at, at + length));
    at += length;
  });
  return samples;
}

/** The two tones of a key (ITU-T Q.23). Null where the digit is none of `0-9*#A-D`. */
export function dtmfTone(
  digit: string,
  durationMs = 100,
  sampleRateHz = DEFAULT_SAMPLE_RATE_HZ,
): Int16Array | null {
  const key = digit.toUpperCase();
  const row = key.length === 1 ? DTMF_KEYS.findIndex((keys) => keys.includes(key)) : -1;
  const rowHz = DTMF_ROWS_HZ[row];
  const columnHz = DTMF_COLUMNS_HZ[DTMF_KEYS[row]?.indexOf(key) ?? -1];
  if (rowHz === undefined || columnHz === undefined) return null;
  return tone([{ frequenciesHz: [rowHz, columnHz], durationMs, levelDbfs: -6 }], sampleRateHz);
}

function writeSegment(segment: ToneSegment, sampleRateHz: number, target: Int16Array): void {
  const { frequenciesHz, levelDbfs = -12 } = segment;
  if (frequenciesHz.length === 0) return;
  const amplitude = (FULL_SCALE * 10 ** (levelDbfs / 20)) / frequenciesHz.length;
  const fadeSamples = Math.min((FADE_MS * sampleRateHz) / 1000, target.length / 2);
  for (let i = 0; i < target.length; i++) {
    let sum = 0;
    for (const hz of frequenciesHz) sum += Math.sin((2 * Math.PI * hz * i) / sampleRateHz);
    const fade = Math.min(1, i / fadeSamples, (target.length - 1 - i) / fadeSamples);
    target[i] = Math.round(amplitude * fade * sum);
  }
}
