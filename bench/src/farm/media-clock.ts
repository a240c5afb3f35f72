import { monotonicMs } from './monotonic.ts';

/** Sends one frame. */
export type FrameSender = () => void;

export const FRAME_MS = 20;
/** Frames that a stall made late are sent at once up to here; what is older is left out. */
const MAX_CATCH_UP_MS = 200;

/**
 * One clock for all calls: a wheel of 20 slots of a millisecond each, corrected for drift. Callers
 * are spread over the slots, so that packets do not leave in bursts.
 */
export class MediaClock {
  readonly #slots: Set<FrameSender>[] = Array.from({ length: FRAME_MS }, () => new Set());
  readonly #startedAtMs = monotonicMs();
  #nextTick = 0;
  #timer: NodeJS.Timeout | null = null;
  #latenessMs: number[] = [];

  /** Calls `sender` every 20 ms; returns a function that stops it. */
  add(sender: FrameSender): () => void {
    const slot = this.#slots.reduce((a, b) => (b.size < a.size ? b : a));
    slot.add(sender);
    if (!this.#timer) {
      this.#nextTick = Math.ceil(monotonicMs() - this.#startedAtMs);
      this.#arm();
    }
    return () => void slot.delete(sender);
  }

  /** How late ticks with somebody in them ran since the last time, milliseconds. */
  takeLateness(): number[] {
    return this.#latenessMs.splice(0);
  }

  /** Idempotent. */
  close(): void {
    for (const slot of this.#slots) slot.clear();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    const dueInMs = this.#startedAtMs + this.#nextTick - monotonicMs();
    this.#timer = setTimeout(() => this.#run(), Math.max(1, Math.floor(dueInMs)));
  }

  #run(): void {
    this.#timer = null;
    const nowTick = Math.floor(monotonicMs() - this.#startedAtMs);
    this.#nextTick = Math.max(this.#nextTick, nowTick - MAX_CATCH_UP_MS);
    while (this.#nextTick <= nowTick) {
      const slot = this.#slots[this.#nextTick % FRAME_MS];
      if (slot && slot.size > 0) {
        this.#latenessMs.push(monotonicMs() - this.#startedAtMs - this.#nextTick);
        for (const send of Array.from(slot)) send();
      }
      this.#nextTick++;
    }
    if (this.#slots.some((slot) => slot.size > 0)) this.#arm();
  }
}
