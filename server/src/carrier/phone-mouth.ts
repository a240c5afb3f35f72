import { FRAME_SAMPLES } from '../rtp/media-engine.ts';

interface Sound {
  samples: Int16Array;
  position: number;
  done: () => void;
}

/** What a virtual phone sends: sounds one after the other, 20 ms at a time. */
export class PhoneMouth {
  readonly #queue: Sound[] = [];
  readonly #frame = new Int16Array(FRAME_SAMPLES);

  /** Resolves when the last sample has left, or the phone was silenced. */
  play(samples: Int16Array): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push({ samples, position: 0, done: resolve });
    });
  }

  /** Drops what is queued. */
  silence(): void {
    for (const sound of this.#queue.splice(0)) sound.done();
  }

  /** The next 20 ms; null: silence. The array is used again by the next call. */
  nextFrame(): Int16Array | null {
    const sound = this.#queue[0];
    if (!sound) return null;
    const part = sound.samples.subarray(sound.position, sound.position + FRAME_SAMPLES);
    this.#frame.fill(0);
    this.#frame.set(part);
    sound.position += FRAME_SAMPLES;
    if (sound.position >= sound.samples.length) {
      this.#queue.shift();
      sound.done();
    }
    return this.#frame;
  }
}
