const FRAME_SAMPLES = 160;
const FRAME_MS = 20;
const SAMPLES_PER_MS = 8;
const MIN_TARGET_MS = 40;
const MAX_TARGET_MS = 200;
const CAPACITY_MS = 600;
/** The depth is judged by its lowest point in a second: what is never used is only delay. */
const WINDOW_TICKS = 50;
const SPARE_MS = 40;
/** So much spare is given back at once, not only in a pause. */
const MUCH_SPARE_MS = 100;
const SCARCE_MS = 5;
/** Frames that a loss is concealed for, each half as loud as the one before. */
const CONCEAL_FRAMES = 3;
const QUIET_PEAK = 200;
/** A frame this much below the loudest of late counts as a pause too, on a noisy line. */
const PAUSE_RATIO = 8;
const ENVELOPE_DECAY = 0.99;

/**
 * Jitter buffer for playout, mixing and recording: samples go in as they arrive in order, 20 ms
 * come out per tick. It starts at a depth that follows the measured jitter, conceals short losses,
 * and keeps its lowest depth between 5 and 40 ms by leaving out or repeating a frame in a pause,
 * which also makes up for a far end whose clock runs faster or slower.
 */
export class PlayoutBuffer {
  readonly #ring = new Int16Array(CAPACITY_MS * SAMPLES_PER_MS);
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  #read = 0;
  #length = 0;
  #filling = true;
  #concealedFrames = 0;
  /** Handed out since the buffer ran dry, in place of samples that did not come. */
  #madeUpSamples = 0;
  #started = false;
  #targetMs = MIN_TARGET_MS;
  #windowTicks = 0;
  #lowestMs = Number.POSITIVE_INFINITY;
  #correction: 'none' | 'leave-out' | 'leave-out-now' | 'repeat' = 'none';
  #envelope = 0;

  get depthMs(): number {
    return this.#length / SAMPLES_PER_MS;
  }

  /** Follows the interarrival jitter (RFC 3550 §6.4.1), on top of what one packet brings. */
  setTarget({ jitterMs, packetMs }: { jitterMs: number; packetMs: number }): void {
    const wantedMs = packetMs + Math.max(FRAME_MS, 3 * jitterMs);
    this.#targetMs = Math.max(MIN_TARGET_MS, Math.min(MAX_TARGET_MS, wantedMs));
  }

  /** Adds samples; on overflow the oldest are dropped. */
  push(samples: Int16Array): void {
    const overflow = this.#length + samples.length - this.#ring.length;
    if (overflow > 0) this.#skip(overflow);
    const size = this.#ring.length;
    this.#write(samples.length > size ? samples.subarray(-size) : samples);
    this.#madeUpSamples = 0;
    this.#started = true;
  }

  /** Stands in for samples that are lost: the last ones again, fading, then silence. */
  pushLost(sampleCount: number): void {
    // What was made up while they were awaited is not made up again.
    const missing = Math.min(sampleCount - this.#madeUpSamples, this.#ring.length);
    this.#madeUpSamples = Math.max(0, this.#madeUpSamples - sampleCount);
    if (missing <= 0 || !this.#started) return;
    const overflow = this.#length + missing - this.#ring.length;
    if (overflow > 0) this.#skip(overflow);
    // The ring still holds the last samples written, whether they were played or not.
    const size = this.#ring.length;
    const from = (this.#read + this.#length - FRAME_SAMPLES + size) % size;
    for (let i = 0; i < missing; i++) {
      const shift = 1 + Math.floor(i / FRAME_SAMPLES);
      const last = this.#ring[(from + (i % FRAME_SAMPLES)) % size] ?? 0;
      this.#append(shift > CONCEAL_FRAMES ? 0 : Math.trunc(last / (1 << shift)));
    }
  }

  /** 20 ms, valid until the next call; null where there is nothing to play. */
  pop(): Int16Array | null {
    if (this.#filling) {
      if (this.#length < this.#targetMs * SAMPLES_PER_MS) {
        if (this.#started) this.#madeUpSamples += FRAME_SAMPLES;
        return null;
      }
      this.#filling = false;
      this.#forgetWindow();
    }
    if (this.#length < FRAME_SAMPLES) return this.#conceal();
    if (this.#correction === 'repeat' && this.#isPause(this.#frame)) {
      this.#forgetWindow();
      return this.#frame;
    }
    this.#take();
    this.#concealedFrames = 0;
    const twoLeft = this.#length >= FRAME_SAMPLES;
    if (
      twoLeft &&
      (this.#correction === 'leave-out-now' ||
        (this.#correction === 'leave-out' && this.#isPause(this.#frame)))
    ) {
      this.#take();
      this.#forgetWindow();
    }
    this.#watchDepth();
    return this.#frame;
  }

  /** Forgets everything: another source begins. */
  reset(): void {
    this.#length = 0;
    this.#filling = true;
    this.#started = false;
    this.#concealedFrames = 0;
    this.#madeUpSamples = 0;
    this.#envelope = 0;
    this.#forgetWindow();
  }

  #conceal(): Int16Array | null {
    this.#madeUpSamples += FRAME_SAMPLES;
    this.#concealedFrames++;
    this.#forgetWindow();
    if (this.#concealedFrames > CONCEAL_FRAMES) {
      this.#filling = true;
      this.#concealedFrames = 0;
      return null;
    }
    for (let i = 0; i < FRAME_SAMPLES; i++) this.#frame[i] = (this.#frame[i] ?? 0) / 2;
    return this.#frame;
  }

  #watchDepth(): void {
    this.#lowestMs = Math.min(this.#lowestMs, this.depthMs);
    if (++this.#windowTicks < WINDOW_TICKS) return;
    const lowestMs = this.#lowestMs;
    this.#forgetWindow();
    if (lowestMs >= MUCH_SPARE_MS) this.#correction = 'leave-out-now';
    else if (lowestMs >= SPARE_MS) this.#correction = 'leave-out';
    else if (lowestMs < SCARCE_MS) this.#correction = 'repeat';
  }

  #forgetWindow(): void {
    this.#windowTicks = 0;
    this.#lowestMs = Number.POSITIVE_INFINITY;
    this.#correction = 'none';
  }

  #isPause(frame: Int16Array): boolean {
    return peakOf(frame) < Math.max(QUIET_PEAK, this.#envelope / PAUSE_RATIO);
  }

  #take(): void {
    const ring = this.#ring;
    const frame = this.#frame;
    const untilEnd = Math.min(FRAME_SAMPLES, ring.length - this.#read);
    for (let i = 0, at = this.#read; i < untilEnd; i++, at++) frame[i] = ring[at] as number;
    for (let i = untilEnd, at = 0; i < FRAME_SAMPLES; i++, at++) frame[i] = ring[at] as number;
    this.#read = (this.#read + FRAME_SAMPLES) % ring.length;
    this.#length -= FRAME_SAMPLES;
    this.#envelope = Math.max(peakOf(frame), this.#envelope * ENVELOPE_DECAY);
  }

  #write(samples: Int16Array): void {
    const at = (this.#read + this.#length) % this.#ring.length;
    const untilEnd = this.#ring.length - at;
    if (samples.length <= untilEnd) this.#ring.set(samples, at);
    else {
      this.#ring.set(samples.subarray(0, untilEnd), at);
      this.#ring.set(samples.subarray(untilEnd), 0);
    }
    this.#length += samples.length;
  }

  #append(sample: number): void {
    this.#ring[(this.#read + this.#length) % this.#ring.length] = sample;
    this.#length++;
  }

  #skip(sampleCount: number): void {
    const skipped = Math.min(sampleCount, this.#length);
    this.#read = (this.#read + skipped) % this.#ring.length;
    this.#length -= skipped;
  }
}

function peakOf(frame: Int16Array): number {
  let peak = 0;
  for (let i = 0; i < frame.length; i++) {
    const sample = frame[i] as number;
    if (sample > peak) peak = sample;
    else if (-sample > peak) peak = -sample;
  }
  return peak;
}
