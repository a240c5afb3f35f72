const FRAME_SAMPLES = 160;
const SAMPLES_PER_MS = 8;
const MIN_TARGET_MS = 40;
const MAX_TARGET_MS = 200;
const CAPACITY_MS = 600;
/** More than the target by this for a second means that the far end's clock is faster. */
const SURPLUS_MS = 60;
const SURPLUS_TICKS = 50;
/** Frames that a loss is concealed for, each quieter than the one before. */
const CONCEAL_FRAMES = 3;
const QUIET_PEAK = 200;

/**
 * Jitter buffer for playout, mixing and recording: samples go in as they arrive in order, 20 ms
 * come out per tick. Waits for a depth that follows the measured jitter, conceals short losses,
 * and drops a quiet frame now and then when the far end's clock is faster than ours.
 */
export class PlayoutBuffer {
  readonly #ring = new Int16Array(CAPACITY_MS * SAMPLES_PER_MS);
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  #read = 0;
  #length = 0;
  #filling = true;
  #concealed = 0;
  #surplusTicks = 0;
  #targetMs = MIN_TARGET_MS;

  get depthMs(): number {
    return this.#length / SAMPLES_PER_MS;
  }

  /** Follows the interarrival jitter (RFC 3550 §6.4.1). */
  setJitter(jitterMs: number): void {
    this.#targetMs = Math.max(MIN_TARGET_MS, Math.min(MAX_TARGET_MS, 20 + 3 * jitterMs));
  }

  push(samples: Int16Array): void {
    const overflow = this.#length + samples.length - this.#ring.length;
    if (overflow > 0) this.#drop(overflow);
    let at = (this.#read + this.#length) % this.#ring.length;
    for (const sample of samples.subarray(-this.#ring.length)) {
      this.#ring[at] = sample;
      at = at + 1 === this.#ring.length ? 0 : at + 1;
    }
    this.#length = Math.min(this.#ring.length, this.#length + samples.length);
  }

  /** 20 ms, valid until the next call; null where there is nothing to play. */
  pop(): Int16Array | null {
    if (this.#filling) {
      if (this.#length < this.#targetMs * SAMPLES_PER_MS) return null;
      this.#filling = false;
    }
    if (this.#length < FRAME_SAMPLES) return this.#conceal();
    this.#take();
    this.#concealed = 0;
    this.#followClock();
    return this.#frame;
  }

  reset(): void {
    this.#length = 0;
    this.#filling = true;
    this.#concealed = 0;
    this.#surplusTicks = 0;
  }

  #conceal(): Int16Array | null {
    this.#concealed++;
    if (this.#concealed > CONCEAL_FRAMES) {
      this.#filling = true;
      this.#concealed = 0;
      return null;
    }
    for (let i = 0; i < FRAME_SAMPLES; i++) this.#frame[i] = (this.#frame[i] ?? 0) >> 1;
    return this.#frame;
  }

  #followClock(): void {
    const surplus = this.depthMs > this.#targetMs + SURPLUS_MS;
    this.#surplusTicks = surplus ? this.#surplusTicks + 1 : 0;
    if (this.#surplusTicks < SURPLUS_TICKS || this.#length < 2 * FRAME_SAMPLES) return;
    const peak = this.#frame.reduce((max, sample) => Math.max(max, Math.abs(sample)), 0);
    if (peak < QUIET_PEAK) this.#take();
  }

  #take(): void {
    for (let i = 0; i < FRAME_SAMPLES; i++) {
      this.#frame[i] = this.#ring[this.#read] ?? 0;
      this.#read = this.#read + 1 === this.#ring.length ? 0 : this.#read + 1;
    }
    this.#length -= FRAME_SAMPLES;
  }

  #drop(sampleCount: number): void {
    const dropped = Math.min(sampleCount, this.#length);
    this.#read = (this.#read + dropped) % this.#ring.length;
    this.#length -= dropped;
  }
}
