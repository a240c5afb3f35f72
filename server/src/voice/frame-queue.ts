/** Frames that wait before any is taken: what two threads' wheels may be apart. */
const PREFILL = 2;
/** Older ones are dropped: delay must not grow. */
const MAX_FRAMES = 4;

/**
 * Ticks that come from another thread, in order and one at a time. Both threads' wheels run by one
 * clock, so the queue neither fills nor empties; it holds two frames (40 ms) against their jitter.
 */
export class FrameQueue<Frame> {
  readonly #frames: Frame[] = [];
  #isFlowing = false;

  push(frame: Frame): void {
    this.#frames.push(frame);
    if (this.#frames.length >= PREFILL) this.#isFlowing = true;
    if (this.#frames.length > MAX_FRAMES) this.#frames.shift();
  }

  /** Undefined: none is due. */
  pop(): Frame | undefined {
    if (!this.#isFlowing) return undefined;
    const frame = this.#frames.shift();
    if (frame === undefined) this.#isFlowing = false;
    return frame;
  }
}
