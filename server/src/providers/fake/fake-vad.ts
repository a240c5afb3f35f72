import type { VadProvider, VadSession } from '../vad.ts';

const FRAME_SAMPLES = 256;
const FRAME_MS = 32;
/** Louder than this is speech: -40 dBFS. */
const SPEECH_RMS = 328;

export interface FakeVadOptions {
  /** Level from which a frame is speech, of 32,768. Default 328 (-40 dBFS). */
  speechRms?: number;
}

/** Voice activity by level alone, at once and in the same thread: music and noise are speech to it. */
export function createFakeVad({ speechRms = SPEECH_RMS }: FakeVadOptions = {}): VadProvider {
  return {
    frameMs: FRAME_MS,
    open: (onFrame) => new FakeVadSession(onFrame, speechRms),
  };
}

class FakeVadSession implements VadSession {
  readonly #onFrame: (speechProbability: number) => void;
  readonly #speechRms: number;
  #squares = 0;
  #filled = 0;
  #isClosed = false;

  constructor(onFrame: (speechProbability: number) => void, speechRms: number) {
    this.#onFrame = onFrame;
    this.#speechRms = speechRms;
  }

  push(samples: Int16Array): void {
    for (const sample of samples) {
      if (this.#isClosed) return;
      this.#squares += sample * sample;
      if (++this.#filled < FRAME_SAMPLES) continue;
      const rms = Math.sqrt(this.#squares / FRAME_SAMPLES);
      this.#squares = 0;
      this.#filled = 0;
      this.#onFrame(probability(rms / this.#speechRms));
    }
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** 0.5 at the threshold, 0.9 at three times of it, 0.1 at a third. */
function probability(ratio: number): number {
  const squared = ratio * ratio;
  return squared / (1 + squared);
}
