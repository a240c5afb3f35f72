/** Sound by key, the least recently used forgotten first when the total grows beyond the bound. */
export class SampleCache {
  readonly #entries = new Map<string, Int16Array>();
  readonly #capacitySamples: number;
  #sampleCount = 0;

  constructor(capacitySamples: number) {
    this.#capacitySamples = capacitySamples;
  }

  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** A copy: what the caller does with it leaves the cache as it is. */
  get(key: string): Int16Array | undefined {
    const samples = this.#entries.get(key);
    if (samples === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, samples);
    return samples.slice();
  }

  /** Keeps a copy, unless it is larger than the whole cache. */
  set(key: string, samples: Int16Array): void {
    if (samples.length > this.#capacitySamples) return;
    this.#remove(key);
    this.#entries.set(key, samples.slice());
    this.#sampleCount += samples.length;
    while (this.#sampleCount > this.#capacitySamples) {
      const oldest = this.#entries.keys().next();
      if (oldest.done === true) return;
      this.#remove(oldest.value);
    }
  }

  #remove(key: string): void {
    this.#sampleCount -= this.#entries.get(key)?.length ?? 0;
    this.#entries.delete(key);
  }
}
