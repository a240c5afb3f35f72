import { decodeMulaw } from '../../audio/g711.ts';
import { Resampler } from '../../audio/resample.ts';

/** How a provider sends audio. */
export type AudioFormat =
  { encoding: 'mulaw'; sampleRateHz: 8_000 } | { encoding: 's16le'; sampleRateHz: number };

const LINE_RATE_HZ = 8_000;

/** Makes linear 8 kHz samples of a provider's bytes, wherever they were cut. */
export class AudioReader {
  readonly #encoding: AudioFormat['encoding'];
  readonly #resampler: Resampler | null;
  /** The first byte of a sample whose second one has not come yet. */
  #odd: number | null = null;

  constructor({ encoding, sampleRateHz }: AudioFormat) {
    this.#encoding = encoding;
    this.#resampler =
      sampleRateHz === LINE_RATE_HZ ? null : new Resampler(sampleRateHz, LINE_RATE_HZ);
  }

  read(bytes: Uint8Array): Int16Array {
    if (this.#encoding === 'mulaw') return decodeMulaw(bytes);
    const samples = this.#linear(bytes);
    return this.#resampler?.process(samples) ?? samples;
  }

  /** What is left when everything has come; half a sample is none. */
  end(): Int16Array {
    return this.#resampler?.flush() ?? new Int16Array(0);
  }

  #linear(bytes: Uint8Array): Int16Array {
    const carried = this.#odd === null ? 0 : 1;
    const whole = Math.floor((bytes.length + carried) / 2);
    const samples = new Int16Array(whole);
    for (let i = 0; i < whole; i++) {
      const at = 2 * i - carried;
      const low = at < 0 ? (this.#odd ?? 0) : (bytes[at] ?? 0);
      samples[i] = low | ((bytes[at + 1] ?? 0) << 8);
    }
    const used = 2 * whole - carried;
    this.#odd = used < bytes.length ? (bytes[used] ?? 0) : whole > 0 ? null : this.#odd;
    return samples;
  }
}
