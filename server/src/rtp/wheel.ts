import type { Clock, TimerHandle } from '../shared/clock.ts';
import { Lateness } from './lateness.ts';
import type { ThreadRest } from './thread-rest.ts';

const PHASES = 20;
const SLICE_MS = 1;
/** A stall that is longer is not made up for: jitter buffers hold about 200 ms, a longer burst only adds delay. */
const MAX_CATCH_UP_MS = 200;
/** With so many streams the thread rests between slices, where it is allowed to. */
const REST_FROM_STREAMS = 24;
/** Slices that one awakening serves then. Divides the phases. */
const SLICES_PER_REST = 4;

type Tick = () => void;

/**
 * One clock for every stream of a thread: 20 phases of 1 ms, each stream in one of them, so that
 * packets of different calls do not leave in one burst. Drift-corrected: slice k is due at
 * start + k ms, and a late turn runs every slice that is due.
 *
 * Many streams wake a thread thousands of times a second, for a packet each, and an awakening costs
 * more than the packet. From 24 streams on the thread therefore rests for 4 ms at a time, where it
 * is given a `ThreadRest`: packets that came meanwhile are read together, four slices are served
 * together, and each stream keeps its 20 ms. What the thread hears of others waits 2 ms on average.
 */
export class Wheel {
  readonly #clock: Clock;
  readonly #onTickError: (error: unknown) => void;
  readonly #rest: ThreadRest | null;
  /** Replaced, never changed: a tick may add and remove others. */
  readonly #phases: (readonly Tick[])[] = Array.from({ length: PHASES }, () => []);
  readonly #lateness = new Lateness();
  #timer: TimerHandle | null = null;
  #resting = false;
  #turning = false;
  #closed = false;
  #startMs = 0;
  #slice = 0;
  #size = 0;

  /**
   * @param onTickError told of a tick that threw; the others run on.
   * @param rest null: the thread is not the wheel's alone.
   */
  constructor(clock: Clock, onTickError: (error: unknown) => void, rest: ThreadRest | null = null) {
    this.#clock = clock;
    this.#onTickError = onTickError;
    this.#rest = rest;
  }

  get size(): number {
    return this.#size;
  }

  /** Calls `tick` every 20 ms from now on; returns a function that stops it. */
  add(tick: Tick): () => void {
    const phase = this.#emptiestPhase();
    const entry: Tick = () => tick();
    this.#phases[phase] = [...(this.#phases[phase] ?? []), entry];
    this.#size++;
    if (!this.#timer && !this.#turning) this.#start();
    return () => {
      const ticks = this.#phases[phase] ?? [];
      if (!ticks.includes(entry)) return;
      this.#phases[phase] = ticks.filter((one) => one !== entry);
      this.#size--;
      if (this.#size === 0) this.#stop();
    };
  }

  /** How late ticks were, over the last minute. */
  lateness(): { p50Ms: number; p99Ms: number; maxMs: number } {
    return this.#lateness.summary(this.#clock.monotonicMs());
  }

  /** Stops for good. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #start(): void {
    if (this.#closed) return;
    this.#startMs = this.#clock.monotonicMs();
    this.#slice = 0;
    this.#arm(SLICE_MS);
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(delayMs: number): void {
    const rest = this.#rest;
    this.#resting = rest !== null && this.#size >= REST_FROM_STREAMS;
    if (rest === null || !this.#resting) {
      this.#timer = this.#clock.setTimer(delayMs, () => this.#turn());
      return;
    }
    this.#timer = rest.afterIo(() => {
      const restMs = this.#dueMs(this.#slice) - (this.#clock.monotonicMs() - this.#startMs);
      if (restMs > 0) rest.rest(Math.min(restMs, SLICES_PER_REST * SLICE_MS));
      this.#turn();
    });
  }

  /** Since the start: when a slice is served. */
  #dueMs(slice: number): number {
    const served = this.#resting ? Math.ceil(slice / SLICES_PER_REST) * SLICES_PER_REST : slice;
    return served * SLICE_MS;
  }

  #turn(): void {
    this.#timer = null;
    this.#turning = true;
    // What falls due while this turn runs waits for the next one: with more work than time, packets
    // must still be received in between.
    const dueMs = this.#clock.monotonicMs() - this.#startMs;
    let elapsedMs = dueMs;
    const behindMs = elapsedMs - this.#slice * SLICE_MS;
    if (behindMs > MAX_CATCH_UP_MS) {
      // Whole rounds, so that every stream stays in its phase.
      this.#slice += Math.floor(behindMs / (PHASES * SLICE_MS)) * PHASES;
    }
    while (this.#slice * SLICE_MS <= dueMs) {
      const lateMs = elapsedMs - this.#dueMs(this.#slice);
      for (const tick of this.#phases[this.#slice % PHASES] ?? []) this.#run(tick, lateMs);
      this.#slice++;
      elapsedMs = this.#clock.monotonicMs() - this.#startMs;
    }
    this.#turning = false;
    if (this.#size > 0 && !this.#closed) {
      this.#arm(Math.max(SLICE_MS, this.#slice * SLICE_MS - elapsedMs));
    }
  }

  #run(tick: Tick, lateMs: number): void {
    this.#lateness.add(lateMs, this.#startMs + this.#slice * SLICE_MS);
    try {
      tick();
    } catch (error) {
      this.#onTickError(error);
    }
  }

  #emptiestPhase(): number {
    let emptiest = 0;
    const sizeOf = (phase: number): number => this.#phases[phase]?.length ?? 0;
    for (let phase = 1; phase < PHASES; phase++) {
      if (sizeOf(phase) < sizeOf(emptiest)) emptiest = phase;
    }
    return emptiest;
  }
}
