/** Zero crossings of the sinc on each side: 2 ms of look-ahead at 8 kHz. */
const ZERO_CROSSINGS = 16;
/** Share of the lower band that passes; the rest is for the slope. */
const PASS_BAND = 0.92;
/** Kaiser window for about 80 dB of attenuation. */
const KAISER_BETA = 8;

/**
 * Streaming resampler: polyphase windowed sinc for any ratio of whole rates. Chunks may have any
 * size; what comes out in total is the same as in one piece, without delay in time. The last
 * samples wait for what follows them (2 ms at 8 kHz), so that a chunk may give fewer samples than
 * its share, and the next one more.
 */
export class Resampler {
  readonly #fromHz: number;
  readonly #toHz: number;
  readonly #step: number;
  readonly #phaseCount: number;
  readonly #halfTaps: number;
  readonly #kernels: readonly Float32Array[];
  #pending: Float32Array;
  /** Of the first tap of the next output, in `#pending`. */
  #at = 0;
  #phase = 0;
  #inputCount = 0;
  #outputCount = 0;

  constructor(fromHz: number, toHz: number) {
    if (![fromHz, toHz].every((rateHz) => Number.isInteger(rateHz) && rateHz > 0)) {
      throw new RangeError(`need whole sample rates above 0, got ${fromHz} and ${toHz}`);
    }
    const divisor = gcd(fromHz, toHz);
    this.#fromHz = fromHz;
    this.#toHz = toHz;
    this.#phaseCount = toHz / divisor;
    this.#step = fromHz / divisor;
    // The cut-off is that of the lower rate: downwards, the kernel is longer.
    const scale = Math.min(1, toHz / fromHz);
    this.#halfTaps = Math.ceil(ZERO_CROSSINGS / scale);
    this.#kernels = kernelsOf(this.#phaseCount, this.#halfTaps, scale);
    this.#pending = this.#silence();
  }

  /** What can be said by now; the chunk is not kept. */
  process(chunk: Int16Array): Int16Array {
    this.#inputCount += chunk.length;
    if (this.#fromHz === this.#toHz) return chunk.slice();
    return this.#run(chunk);
  }

  /** The rest of the signal, then begins anew. */
  flush(): Int16Array {
    const total = Math.round((this.#inputCount * this.#toHz) / this.#fromHz);
    const rest = total - this.#outputCount;
    const tail =
      this.#fromHz === this.#toHz ? new Int16Array(0) : this.#run(new Int16Array(this.#halfTaps));
    this.#pending = this.#silence();
    this.#at = 0;
    this.#phase = 0;
    this.#inputCount = 0;
    this.#outputCount = 0;
    return tail.subarray(0, Math.max(0, rest));
  }

  /** Before the first sample there is silence: as much as the kernel looks back. */
  #silence(): Float32Array {
    return new Float32Array(this.#halfTaps - 1);
  }

  #run(chunk: Int16Array): Int16Array {
    const input = new Float32Array(this.#pending.length + chunk.length);
    input.set(this.#pending);
    input.set(chunk, this.#pending.length);
    const tapCount = 2 * this.#halfTaps;
    const room = Math.max(0, input.length - this.#at);
    const output = new Int16Array(Math.ceil((room * this.#phaseCount) / this.#step) + 1);
    let count = 0;
    while (this.#at + tapCount <= input.length) {
      output[count++] = convolve(input, this.#at, this.#kernels[this.#phase]);
      this.#phase += this.#step;
      this.#at += Math.floor(this.#phase / this.#phaseCount);
      this.#phase %= this.#phaseCount;
    }
    const used = Math.min(this.#at, input.length);
    this.#pending = input.slice(used);
    this.#at -= used;
    this.#outputCount += count;
    return output.subarray(0, count);
  }
}

/** A whole signal at another rate. */
export function resample(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  const resampler = new Resampler(fromHz, toHz);
  const head = resampler.process(samples);
  const tail = resampler.flush();
  const all = new Int16Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}

function convolve(input: Float32Array, from: number, kernel: Float32Array | undefined): number {
  if (!kernel) return 0;
  let sum = 0;
  for (let tap = 0; tap < kernel.length; tap++)
    sum += (input[from + tap] ?? 0) * (kernel[tap] ?? 0);
  return Math.max(-32_768, Math.min(32_767, Math.round(sum)));
}

/** For each position of an output between two inputs the weights of the inputs around it. */
function kernelsOf(phaseCount: number, halfTaps: number, scale: number): Float32Array[] {
  const cutoff = scale * PASS_BAND;
  return Array.from({ length: phaseCount }, (_, phase) => {
    const weights = Float64Array.from({ length: 2 * halfTaps }, (_tap, tap) => {
      const distance = phase / phaseCount + halfTaps - 1 - tap;
      return sinc(distance * cutoff) * kaiser(distance / halfTaps);
    });
    // Each phase passes a constant unchanged; otherwise the phases would be heard as a tone.
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return Float32Array.from(weights, (weight) => weight / sum);
  });
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x: number): number {
  return x <= -1 || x >= 1 ? 0 : bessel0(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel0(KAISER_BETA);
}

/** Modified Bessel function of the first kind, order 0, by its series. */
function bessel0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
