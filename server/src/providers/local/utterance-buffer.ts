const SAMPLE_RATE_HZ = 8_000;
const FIRST_CAPACITY = 2 * SAMPLE_RATE_HZ;
/** What the recogniser takes at most. */
const MAX_SAMPLES = 30 * SAMPLE_RATE_HZ;
/** Given up at once when the bound is reached: moving samples for every push would cost more. */
const DROP_SAMPLES = 2 * SAMPLE_RATE_HZ;

/** Samples of one utterance, at most 30 s; what is older is dropped, as the end decides the turn. */
export class UtteranceBuffer {
  #samples = new Int16Array(FIRST_CAPACITY);
  #length = 0;

  get sampleCount(): number {
    return this.#length;
  }

  push(samples: Int16Array): void {
    const kept = samples.length > MAX_SAMPLES ? samples.subarray(-MAX_SAMPLES) : samples;
    if (this.#length + kept.length > MAX_SAMPLES) {
      const dropped = Math.min(
        this.#length,
        Math.max(DROP_SAMPLES, this.#length + kept.length - MAX_SAMPLES),
      );
      this.#samples.copyWithin(0, dropped, this.#length);
      this.#length -= dropped;
    }
    if (this.#length + kept.length > this.#samples.length) this.#grow(this.#length + kept.length);
    this.#samples.set(kept, this.#length);
    this.#length += kept.length;
  }

  /** A copy in a buffer of its own, fit to be transferred. */
  copy(): Int16Array<ArrayBuffer> {
    return this.#samples.slice(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    // A long utterance does not keep its memory for the rest of the call.
    if (this.#samples.length > FIRST_CAPACITY) this.#samples = new Int16Array(FIRST_CAPACITY);
  }

  #grow(needed: number): void {
    const larger = new Int16Array(
      Math.min(MAX_SAMPLES, Math.max(needed, this.#samples.length * 2)),
    );
    larger.set(this.#samples.subarray(0, this.#length));
    this.#samples = larger;
  }
}
