import type { Clock, TimerHandle } from '../shared/clock.ts';

const PHASES = 20;
const SLICE_MS = 1;
/** A stall that is longer is not made up for: the far end's buffer could not take the burst. */
const MAX_CATCH_UP_MS = 500;
const LATENESS_SAMPLES = 4_096;

/**
 * One clock for every stream of a thread: 20 phases of 1 ms, each stream in one of them, so that
 * packets of different calls do not leave in one burst. Drift-corrected: slice k is due at
 * start + k ms, and a late turn runs every slice that is due.
 */
export class Wheel {
  readonly #clock: Clock;
  readonly #phases: (() => void)[][] = Array.from({ length: PHASES }, () => []);
  readonly #lateness = new Float64Array(LATENESS_SAMPLES);
  #latenessCount = 0;
  #timer: TimerHandle | null = null;
  #startMs = 0;
  #slice = 0;
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  /** Calls `tick` every 20 ms from now on; returns a function that stops it. */
  add(tick: () => void): () => void {
    const phase = this.#phases.reduce((least, one) => (one.length < least.length ? one : least));
    phase.push(tick);
    this.#size++;
    if (!this.#timer) this.#start();
    return () => {
      const at = phase.indexOf(tick);
      if (at < 0) return;
      phase.splice(at, 1);
      this.#size--;
      if (this.#size === 0) this.close();
    };
  }

  /** How late ticks were, of the latest few thousand. */
  lateness(): { p50Ms: number; p99Ms: number; maxMs: number } {
    const sorted = this.#lateness
      .slice(0, Math.min(this.#latenessCount, LATENESS_SAMPLES))
      .toSorted();
    const at = (q: number): number => sorted[Math.floor((sorted.length - 1) * q)] ?? 0;
    return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }

  /** Stops until the next `add`. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #start(): void {
    this.#startMs = this.#clock.monotonicMs();
    this.#slice = 0;
    this.#arm(SLICE_MS);
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(delayMs, () => this.#turn());
  }

  #turn(): void {
    let elapsedMs = this.#clock.monotonicMs() - this.#startMs;
    const behindMs = elapsedMs - this.#slice * SLICE_MS;
    if (behindMs > MAX_CATCH_UP_MS) {
      // Whole rounds, so that every stream stays in its phase.
      this.#slice += Math.floor(behindMs / (PHASES * SLICE_MS)) * PHASES;
    }
    while (this.#slice * SLICE_MS <= elapsedMs) {
      const phase = this.#phases[this.#slice % PHASES];
      if (phase && phase.length > 0) {
        this.#lateness[this.#latenessCount++ % LATENESS_SAMPLES] =
          elapsedMs - this.#slice * SLICE_MS;
        // A copy: a tick may close its stream.
        for (const tick of phase.slice()) tick();
      }
      this.#slice++;
      elapsedMs = this.#clock.monotonicMs() - this.#startMs;
    }
    if (this.#size > 0) this.#arm(Math.max(1, this.#slice * SLICE_MS - elapsedMs));
    else this.#timer = null;
  }
}
