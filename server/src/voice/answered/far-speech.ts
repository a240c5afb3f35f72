import type { SpeechSignal } from '../speech-detector.ts';

/** A pause within a greeting; one that is longer ends it. */
const BREATH_MS = 1_000;

/** When the far end speaks and pauses, frame by frame, on the monotonic clock. */
export class FarSpeech {
  readonly #frameMs: number;
  #firstMs: number | null = null;
  #lastMs: number | null = null;
  #greetingEndMs: number | null = null;
  #isGreetingOver = false;
  #speechMs = 0;

  constructor(frameMs: number) {
    this.#frameMs = frameMs;
  }

  /** When it first spoke. */
  get firstMs(): number | null {
    return this.#firstMs;
  }

  /** When it last spoke. */
  get lastMs(): number | null {
    return this.#lastMs;
  }

  /** Speech in all. */
  get speechMs(): number {
    return this.#speechMs;
  }

  /** From its first sound to the pause in which it waits. */
  get greetingMs(): number {
    return this.#firstMs === null ? 0 : (this.#greetingEndMs ?? this.#firstMs) - this.#firstMs;
  }

  silenceMs(nowMs: number): number {
    return this.#lastMs === null ? 0 : nowMs - this.#lastMs;
  }

  /** The next frame. */
  update(signal: SpeechSignal, nowMs: number): void {
    if (signal.type !== 'started' && signal.type !== 'speaking') {
      if (this.silenceMs(nowMs) > BREATH_MS) this.#isGreetingOver = true;
      return;
    }
    const newMs = signal.type === 'started' ? signal.speechMs : this.#frameMs;
    this.#firstMs ??= nowMs - newMs;
    this.#lastMs = nowMs;
    this.#speechMs += newMs;
    if (!this.#isGreetingOver) this.#greetingEndMs = nowMs;
  }
}
