import { DTMF_COLUMNS_HZ, DTMF_KEYS, DTMF_ROWS_HZ } from './tone.ts';

const FULL_SCALE = 32_768;
/** Tones that a voicemail box may beep with, close enough for none to fall between two. */
const BEEP_BANK_HZ = Array.from({ length: 69 }, (_, i) => 400 + 25 * i);

export interface ToneDetectorOptions {
  /** One frequency of each group must sound: one group for a beep, two for a key. */
  groupsHz: readonly (readonly number[])[];
  /** Default 8000. */
  sampleRateHz?: number;
  /** Shorter is no tone. Default 40. */
  minDurationMs?: number;
  /** Quieter is no tone. Default -40. */
  minLevelDbfs?: number;
  /** Share of the energy that must lie in the tone; speech has its energy elsewhere too. Default 0.7. */
  minPurity?: number;
  /** Strongest frequencies that lie so close from window to window are one tone. Default 30. */
  toleranceHz?: number;
}

/** A tone, one frequency a group. Times count from the first sample. */
export type ToneEvent =
  | { type: 'start'; frequenciesHz: number[]; atMs: number }
  | { type: 'end'; frequenciesHz: number[]; atMs: number; durationMs: number };

const WINDOW_MS = 20;
/** A group with less than this share of the energy does not sound. */
const MIN_GROUP_SHARE = 0.12;

/** Power of one frequency (Goertzel), as its share of the energy: 1 for a pure tone. */
export function goertzelShare(
  samples: Int16Array,
  frequencyHz: number,
  sampleRateHz: number,
): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequencyHz) / sampleRateHz);
  let previous = 0;
  let beforePrevious = 0;
  let energy = 0;
  for (const sample of samples) {
    const current = sample + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = current;
    energy += sample * sample;
  }
  if (energy === 0) return 0;
  const power =
    previous * previous + beforePrevious * beforePrevious - coefficient * previous * beforePrevious;
  return (2 * power) / (samples.length * energy);
}

/** Finds tones in a signal that comes in chunks of any size, in windows of 20 ms. */
export class ToneDetector {
  readonly #options: Required<ToneDetectorOptions>;
  readonly #window: Int16Array;
  #filled = 0;
  #windowCount = 0;
  #candidate: { frequenciesHz: number[]; sinceMs: number; reported: boolean } | null = null;

  constructor(options: ToneDetectorOptions) {
    this.#options = {
      sampleRateHz: 8_000,
      minDurationMs: 40,
      minLevelDbfs: -40,
      minPurity: 0.7,
      toleranceHz: 30,
      ...options,
    };
    this.#window = new Int16Array((this.#options.sampleRateHz * WINDOW_MS) / 1000);
  }

  /** What began and ended with these samples. A start is told once the tone has lasted. */
  process(samples: Int16Array): ToneEvent[] {
    const events: ToneEvent[] = [];
    for (let from = 0; from < samples.length;) {
      const part = samples.subarray(from, from + this.#window.length - this.#filled);
      this.#window.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled < this.#window.length) break;
      this.#filled = 0;
      this.#judge(this.#strongest(), events);
    }
    return events;
  }

  #judge(frequenciesHz: number[] | null, events: ToneEvent[]): void {
    const fromMs = this.#windowCount * WINDOW_MS;
    const toMs = fromMs + WINDOW_MS;
    this.#windowCount++;
    if (
      this.#candidate &&
      !(frequenciesHz && this.#isSame(this.#candidate.frequenciesHz, frequenciesHz))
    ) {
      const { sinceMs, reported } = this.#candidate;
      if (reported) {
        events.push({
          type: 'end',
          frequenciesHz: this.#candidate.frequenciesHz,
          atMs: fromMs,
          durationMs: fromMs - sinceMs,
        });
      }
      this.#candidate = null;
    }
    if (!frequenciesHz) return;
    this.#candidate ??= { frequenciesHz, sinceMs: fromMs, reported: false };
    const candidate = this.#candidate;
    if (candidate.reported || toMs - candidate.sinceMs < this.#options.minDurationMs) return;
    candidate.reported = true;
    events.push({ type: 'start', frequenciesHz: candidate.frequenciesHz, atMs: candidate.sinceMs });
  }

  /** The loudest of each group; null where they are not what the window is made of. */
  #strongest(): number[] | null {
    const { groupsHz, sampleRateHz, minLevelDbfs, minPurity } = this.#options;
    let energy = 0;
    for (const sample of this.#window) energy += sample * sample;
    const meanSquare = energy / this.#window.length / FULL_SCALE ** 2;
    if (meanSquare < 10 ** (minLevelDbfs / 10)) return null;
    let purity = 0;
    const frequenciesHz: number[] = [];
    for (const group of groupsHz) {
      let best = { frequencyHz: 0, share: 0 };
      for (const frequencyHz of group) {
        const share = goertzelShare(this.#window, frequencyHz, sampleRateHz);
        if (share > best.share) best = { frequencyHz, share };
      }
      if (best.share < MIN_GROUP_SHARE) return null;
      purity += best.share;
      frequenciesHz.push(best.frequencyHz);
    }
    return purity >= minPurity ? frequenciesHz : null;
  }

  #isSame(a: readonly number[], b: readonly number[]): boolean {
    return a.every(
      (frequencyHz, i) => Math.abs(frequencyHz - (b[i] ?? 0)) <= this.#options.toleranceHz,
    );
  }
}

/** Hears the beep of a voicemail box: one steady tone from 400 to 2,100 Hz of at least 120 ms. */
export function beepDetector(sampleRateHz = 8_000): ToneDetector {
  return new ToneDetector({ groupsHz: [BEEP_BANK_HZ], sampleRateHz, minDurationMs: 120 });
}

/** Hears keys in the audio (ITU-T Q.23), for a far end without telephone-event. */
export function dtmfDetector(sampleRateHz = 8_000): ToneDetector {
  return new ToneDetector({
    groupsHz: [DTMF_ROWS_HZ, DTMF_COLUMNS_HZ],
    sampleRateHz,
    // ITU-T Q.24: 40 ms must be heard, and frequencies may be off by 1.5 %.
    minDurationMs: 40,
    minPurity: 0.6,
    toleranceHz: 0,
  });
}

/** The key of a tone that `dtmfDetector` heard; null: none. */
export function digitOfTone(frequenciesHz: readonly number[]): string | null {
  const [rowHz = 0, columnHz = 0] = frequenciesHz;
  const column = DTMF_COLUMNS_HZ.indexOf(columnHz);
  return DTMF_KEYS[DTMF_ROWS_HZ.indexOf(rowHz)]?.[column] ?? null;
}
