const FRAME_SAMPLES = 160;
const FULL_SCALE = 32_768;
/** Louder is no background (RFC 3389 §3.1 counts down from 0 dBov). */
const LOUDEST_DBOV = -20;

/**
 * The background of a far end that sends no audio in pauses (RFC 3389): white noise of the level
 * that it named. Its spectrum, where it tells one, is left out.
 */
export class ComfortNoise {
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  #amplitude = 0;
  #seed = 1;

  /**
   * Takes the payload of a comfort noise packet.
   *
   *      0 1 2 3 4 5 6 7
   *     |0|   level     |
   */
  set(payload: Uint8Array): void {
    const level = -((payload[0] ?? 127) & 0x7f);
    // RMS of evenly spread noise is its peak by the root of three.
    this.#amplitude =
      level <= -100 ? 0 : FULL_SCALE * 10 ** (Math.min(level, LOUDEST_DBOV) / 20) * Math.sqrt(3);
  }

  /** 20 ms of it, valid until the next call. */
  frame(): Int16Array {
    const frame = this.#frame;
    for (let i = 0; i < FRAME_SAMPLES; i++) {
      this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0;
      frame[i] = (this.#seed / 0x80000000) * this.#amplitude;
    }
    return frame;
  }
}
