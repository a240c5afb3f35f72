/*
 * ITU-T G.722 at 64 kbit/s (mode 1), lower sub-band: 6 bits of each octet, 0 to 4 kHz, which is all
 * that audio of 8 kHz can hold. The sub-band runs at 8 kHz by itself, so that nothing is resampled:
 * of a far end's packets the two bits of the higher sub-band are left out, and those that go out say
 * that it is silent. Tables and names are those of clause 6.2.
 */

/** Higher sub-band that holds nothing, in the two upper bits. */
const HIGH_BAND_SILENCE = 0xc0;
const LOW_BITS = 0x3f;

/** Q6: decision levels of the 60-level quantizer. */
const Q6 = Int32Array.of(
  0,
  35,
  72,
  110,
  150,
  190,
  233,
  276,
  323,
  370,
  422,
  473,
  530,
  587,
  650,
  714,
  786,
  858,
  940,
  1023,
  1121,
  1219,
  1339,
  1458,
  1612,
  1765,
  1980,
  2195,
  2557,
  2919,
);
/** ILN and ILP: codes of the negative and positive intervals. */
const negativeCode = (interval: number): number => (interval < 3 ? 64 - interval : 34 - interval);
const positiveCode = (interval: number): number => 62 - interval;
/** QQ6: inverse quantizer of the decoder. */
const QM6 = Int32Array.of(
  -136,
  -136,
  -136,
  -136,
  -24808,
  -21904,
  -19008,
  -16704,
  -14984,
  -13512,
  -12280,
  -11192,
  -10232,
  -9360,
  -8576,
  -7856,
  -7192,
  -6576,
  -6000,
  -5456,
  -4944,
  -4464,
  -4008,
  -3576,
  -3168,
  -2776,
  -2400,
  -2032,
  -1688,
  -1360,
  -1040,
  -728,
  24808,
  21904,
  19008,
  16704,
  14984,
  13512,
  12280,
  11192,
  10232,
  9360,
  8576,
  7856,
  7192,
  6576,
  6000,
  5456,
  4944,
  4464,
  4008,
  3576,
  3168,
  2776,
  2400,
  2032,
  1688,
  1360,
  1040,
  728,
  432,
  136,
  -432,
  -136,
);
/** QQ4: inverse quantizer of the predictor, which sees 4 bits. */
const QM4 = Int32Array.of(
  0,
  -20456,
  -12896,
  -8968,
  -6288,
  -4240,
  -2584,
  -1200,
  20456,
  12896,
  8968,
  6288,
  4240,
  2584,
  1200,
  0,
);
/** WL by RIL: what a code does to the logarithm of the scale. */
const LOG_STEP = Int32Array.of(
  -60,
  3042,
  1198,
  538,
  334,
  172,
  58,
  -30,
  3042,
  1198,
  538,
  334,
  172,
  58,
  -30,
  -60,
);
/** ILB: powers of two between 2048 and 4096. */
const ILB = Int32Array.of(
  2048,
  2093,
  2139,
  2186,
  2233,
  2282,
  2332,
  2383,
  2435,
  2489,
  2543,
  2599,
  2656,
  2714,
  2774,
  2834,
  2896,
  2960,
  3025,
  3091,
  3158,
  3228,
  3298,
  3371,
  3444,
  3520,
  3597,
  3676,
  3756,
  3838,
  3922,
  4008,
);
const MAX_LOG_SCALE = 18_432;
const INITIAL_SCALE = 32;
/** Two poles and six zeroes. */
const ZEROES = 6;

/** The adaptive part that encoder and decoder share (blocks 3 and 4). */
class LowBand {
  /** Quantizer scale (DETL). */
  scale = INITIAL_SCALE;
  /** Prediction of the next sample (SL). */
  prediction = 0;
  #logScale = 0;
  #zeroPart = 0;
  #pole1 = 0;
  #pole2 = 0;
  /** Reconstructed signals (RLT) and partial ones (PLT), one and two samples ago. */
  #signal1 = 0;
  #signal2 = 0;
  #partial1 = 0;
  #partial2 = 0;
  readonly #zeroes = new Int32Array(ZEROES);
  readonly #differences = new Int32Array(ZEROES);

  /** Goes on by one sample, whose code is `ril` (the upper 4 of 6 bits). */
  adapt(ril: number): void {
    const difference = (this.scale * (QM4[ril] as number)) >> 15;
    // LOGSCL and SCALEL.
    const log = ((this.#logScale * 127) >> 7) + (LOG_STEP[ril] as number);
    this.#logScale = log < 0 ? 0 : log > MAX_LOG_SCALE ? MAX_LOG_SCALE : log;
    const shift = 8 - (this.#logScale >> 11);
    const mantissa = ILB[(this.#logScale >> 6) & 31] as number;
    this.scale = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
    this.#predict(difference);
  }

  #predict(difference: number): void {
    // RECONS and PARREC.
    const signal = saturate(this.prediction + difference);
    const partial = saturate(this.#zeroPart + difference);
    const sign = partial >> 15;
    const likeFirst = sign === this.#partial1 >> 15;
    // UPPOL2: the second pole from the first as it was.
    const turned = saturate(this.#pole1 << 2);
    const towards = likeFirst ? Math.min(32_767, -turned) : turned;
    const step2 = sign === this.#partial2 >> 15 ? 128 : -128;
    const pole2 = clamp(step2 + (towards >> 7) + ((this.#pole2 * 32_512) >> 15), 12_288);
    // UPPOL1.
    const pole1 = saturate((likeFirst ? 192 : -192) + ((this.#pole1 * 32_640) >> 15));
    this.#pole2 = pole2;
    this.#pole1 = clamp(pole1, saturate(15_360 - pole2));
    this.#updateZeroes(difference);
    this.#signal2 = this.#signal1;
    this.#signal1 = signal;
    this.#partial2 = this.#partial1;
    this.#partial1 = partial;
    // FILTEP and PREDIC.
    const poles =
      ((this.#pole1 * saturate(2 * this.#signal1)) >> 15) +
      ((this.#pole2 * saturate(2 * this.#signal2)) >> 15);
    this.prediction = saturate(saturate(poles) + this.#zeroPart);
  }

  /** UPZERO, DELAYA and FILTEZ. */
  #updateZeroes(difference: number): void {
    const zeroes = this.#zeroes;
    const differences = this.#differences;
    const step = difference === 0 ? 0 : 128;
    const sign = difference >> 15;
    let sum = 0;
    for (let i = ZEROES - 1; i >= 0; i--) {
      const before = differences[i] as number;
      const towards = before >> 15 === sign ? step : -step;
      const zero = saturate(towards + (((zeroes[i] as number) * 32_640) >> 15));
      zeroes[i] = zero;
      const now = i === 0 ? difference : (differences[i - 1] as number);
      differences[i] = now;
      sum += (zero * saturate(2 * now)) >> 15;
    }
    this.#zeroPart = saturate(sum);
  }
}

/** Samples of 8 kHz to G.722, one octet each. One encoder a stream. */
export class G722Encoder {
  readonly #band = new LowBand();

  /** Writes `samples.length` octets into `target` from `offset` on. */
  encode(samples: Int16Array, target: Uint8Array, offset = 0): void {
    const band = this.#band;
    for (let i = 0; i < samples.length; i++) {
      // The sub-band has 15 bits.
      const error = saturate(((samples[i] as number) >> 1) - band.prediction);
      const magnitude = error >= 0 ? error : -(error + 1);
      // QUANTL.
      let interval = 1;
      while (interval < 30 && magnitude >= ((Q6[interval] as number) * band.scale) >> 12) {
        interval++;
      }
      const code = error < 0 ? negativeCode(interval) : positiveCode(interval);
      target[offset + i] = HIGH_BAND_SILENCE | code;
      band.adapt(code >> 2);
    }
  }
}

/** G.722 of 64 kbit/s to samples of 8 kHz, one for each octet. One decoder a source. */
export class G722Decoder {
  readonly #band = new LowBand();

  decode(payload: Uint8Array, target: Int16Array): void {
    const band = this.#band;
    for (let i = 0; i < payload.length; i++) {
      const code = (payload[i] as number) & LOW_BITS;
      // INVQBL and LIMIT.
      const signal = band.prediction + ((band.scale * (QM6[code] as number)) >> 15);
      target[i] = (signal > 16_383 ? 16_383 : signal < -16_384 ? -16_384 : signal) * 2;
      band.adapt(code >> 2);
    }
  }
}

function saturate(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
}

function clamp(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value;
}
