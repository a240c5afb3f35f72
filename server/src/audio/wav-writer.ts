import { open, type FileHandle } from 'node:fs/promises';
import { WAV_HEADER_BYTES, wavHeader } from './wav.ts';

const SAMPLE_RATE_HZ = 8_000;
const FRAME_SAMPLES = 160;
const FRAME_BYTES = FRAME_SAMPLES * 4;
/** One append a second. */
const BATCH_FRAMES = 50;
/** A disk that stands still for longer loses audio instead of memory. */
const MAX_WAITING_FRAMES = 50 * 60;

/**
 * Writes a call as 8 kHz 16-bit stereo. `write` never waits: frames are gathered and appended once
 * a second, and the header is put right with each append, so that the file plays after a crash.
 */
export class StereoWavWriter {
  readonly #path: string;
  #waiting: Buffer[] = [];
  #batch = Buffer.allocUnsafe(BATCH_FRAMES * FRAME_BYTES);
  #batchBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #file: FileHandle | null = null;
  #dataBytes = 0;
  #frameCount = 0;
  #droppedFrames = 0;
  #error: Error | null = null;
  #closed: Promise<void> | null = null;

  /** Creates or replaces the file with the first append. */
  constructor(path: string) {
    this.#path = path;
  }

  /** What was handed in so far. */
  get durationMs(): number {
    return this.#frameCount * 20;
  }

  /** Frames lost because the disk did not keep up. */
  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  /** Why nothing is written any more; null: all is well. */
  get error(): Error | null {
    return this.#error;
  }

  /** 20 ms of each side; null is silence. Copied. */
  write(left: Int16Array | null, right: Int16Array | null): void {
    if (this.#closed) return;
    this.#frameCount++;
    if (this.#waiting.length * BATCH_FRAMES > MAX_WAITING_FRAMES) {
      this.#droppedFrames++;
      return;
    }
    let at = this.#batchBytes;
    for (let i = 0; i < FRAME_SAMPLES; i++, at += 4) {
      this.#batch.writeInt16LE(left?.[i] ?? 0, at);
      this.#batch.writeInt16LE(right?.[i] ?? 0, at + 2);
    }
    this.#batchBytes = at;
    if (at === this.#batch.length) this.#flush();
  }

  /** Resolves when everything is on disk; a failure is in `error`. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    this.#flush();
    await this.#writing;
    await this.#file?.close();
    this.#file = null;
  }

  #flush(): void {
    if (this.#batchBytes > 0) {
      this.#waiting.push(this.#batch.subarray(0, this.#batchBytes));
      this.#batch = Buffer.allocUnsafe(BATCH_FRAMES * FRAME_BYTES);
      this.#batchBytes = 0;
    }
    this.#writing = this.#writing.then(() => this.#append());
  }

  async #append(): Promise<void> {
    const buffers = this.#waiting.splice(0);
    if (this.#error || buffers.length === 0) return;
    try {
      this.#file ??= await open(this.#path, 'w');
      const { bytesWritten } = await this.#file.writev(buffers, WAV_HEADER_BYTES + this.#dataBytes);
      this.#dataBytes += bytesWritten;
      const header = wavHeader({
        sampleRateHz: SAMPLE_RATE_HZ,
        channelCount: 2,
        dataBytes: this.#dataBytes,
      });
      await this.#file.write(header, 0, header.length, 0);
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
    }
  }
}
