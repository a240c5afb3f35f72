import type { TimerHandle } from '../shared/clock.ts';

/** Lets a thread sleep where its event loop would wake it for every packet. */
export interface ThreadRest {
  /** Calls `fn` once, when the event loop has dealt with what had come in. */
  afterIo(fn: () => void): TimerHandle;
  /** Stops the thread for so long; what comes in waits in its socket or port. */
  rest(durationMs: number): void;
}

const nobodyWakesIt = new Int32Array(new SharedArrayBuffer(4));

/** For a thread whose work is due at known times. Not for the main thread. */
export const workerRest: ThreadRest = {
  afterIo(fn) {
    const immediate = setImmediate(fn);
    return { cancel: () => clearImmediate(immediate) };
  },
  rest: (durationMs) => void Atomics.wait(nobodyWakesIt, 0, 0, durationMs),
};
