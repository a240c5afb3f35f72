import { open, type FileHandle } from 'node:fs/promises';
import { WAV_HEADER_BYTES, wavHeader } from './wav.ts';

const SAMPLE_RATE_HZ = 8_000;
const FRAME_MS = 20;
const FRAME_SAMPLES = 160;
const CHANNELS = 2;
const FRAME_BYTES = FRAME_SAMPLES * CHANNELS * 2;
/** One append every two seconds. */
const BATCH_FRAMES = 100;
const SILENCE = new Int16Array(FRAME_SAMPLES);
/** Batches of all writers that may be filled again: fresh memory all the time is work for the collector. */
const MAX_SPARE_BATCHES = 64;
const spareBatches: Int16Array[] = [];
/** A disk that stands still for longer loses audio instead of memory. */
const MAX_WAITING_BATCHES = 30;

/**
 * Writes a call as 8 kHz 16-bit stereo. `write` never waits: frames are gathered and appended every
 * two seconds, and the header is put right with each append, so that the file plays after a crash.
 */
export class StereoWavWriter {
  readonly #path: string;
  #waiting: Int16Array[] = [];
  #batch = newBatch();
  #batchFrames = 0;
  #appending: Promise<void> | null = null;
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
    return this.#frameCount * FRAME_MS;
  }

  /** What is on disk and can be played. */
  get writtenMs(): number {
    return (this.#dataBytes / FRAME_BYTES) * FRAME_MS;
  }

  /** Frames lost because the disk did not keep up or failed. */
  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  /** Why nothing is written any more; null: all is well. */
  get error(): Error | null {
    return this.#error;
  }

  /** 20 ms of each side; null is silence. Copied. Ignored after `close`. */
  write(left: Int16Array | null, right: Int16Array | null): void {
    if (this.#closed) return;
    this.#frameCount++;
    if (this.#error || this.#waiting.length >= MAX_WAITING_BATCHES) {
      this.#droppedFrames++;
      return;
    }
    const at = this.#batchFrames * FRAME_SAMPLES * CHANNELS;
    spread(left ?? SILENCE, this.#batch, at);
    spread(right ?? SILENCE, this.#batch, at + 1);
    this.#batchFrames++;
    if (this.#batchFrames === BATCH_FRAMES) this.#flush();
  }

  /** Resolves when everything is on disk; a failure is in `error`. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    this.#flush();
    await this.#appending;
    const file = this.#file;
    this.#file = null;
    try {
      await file?.close();
    } catch (error) {
      this.#error ??= toError(error);
    }
  }

  #flush(): void {
    if (this.#batchFrames > 0) {
      this.#waiting.push(this.#batch.subarray(0, this.#batchFrames * FRAME_SAMPLES * CHANNELS));
      this.#batch = newBatch();
      this.#batchFrames = 0;
    }
    if (this.#waiting.length > 0) this.#appending ??= this.#appendAll();
  }

  async #appendAll(): Promise<void> {
    try {
      this.#file ??= await openWithHeader(this.#path);
      for (let batch = this.#waiting[0]; batch; batch = this.#waiting[0]) {
        await this.#append(this.#file, bytesOf(batch));
        this.#waiting.shift();
        recycle(batch);
      }
    } catch (error) {
      this.#error = toError(error);
      for (const { byteLength } of this.#waiting) this.#droppedFrames += byteLength / FRAME_BYTES;
      this.#waiting = [];
      await this.#cutToLastAppend();
    } finally {
      this.#appending = null;
    }
  }

  /** What a failed append left behind its promise is taken away, so that the file is as long as it says. */
  async #cutToLastAppend(): Promise<void> {
    try {
      await this.#file?.truncate(WAV_HEADER_BYTES + this.#dataBytes);
    } catch {
      // The header is right all the same, and players go by it.
    }
  }

  async #append(file: FileHandle, bytes: Uint8Array): Promise<void> {
    const dataBytes = this.#dataBytes + bytes.length;
    await writeAll(file, bytes, WAV_HEADER_BYTES + this.#dataBytes);
    // After the samples: a header never promises what is not there.
    await writeAll(file, headerOf(dataBytes), 0);
    this.#dataBytes = dataBytes;
  }
}

/** One frame to every second sample of `target` from `at` on; what a short one lacks is silence. */
function spread(frame: Int16Array, target: Int16Array, at: number): void {
  const count = Math.min(frame.length, FRAME_SAMPLES);
  for (let i = 0; i < count; i++) target[at + i * CHANNELS] = frame[i] as number;
  for (let i = count; i < FRAME_SAMPLES; i++) target[at + i * CHANNELS] = 0;
}

function newBatch(): Int16Array {
  return spareBatches.pop() ?? new Int16Array((BATCH_FRAMES * FRAME_BYTES) / 2);
}

function recycle({ buffer }: Int16Array): void {
  if (spareBatches.length < MAX_SPARE_BATCHES) spareBatches.push(new Int16Array(buffer));
}

async function openWithHeader(path: string): Promise<FileHandle> {
  const file = await open(path, 'w');
  try {
    await writeAll(file, headerOf(0), 0);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A write may take less than it was given. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, from, bytes.length - from, position + from);
    from += bytesWritten;
  }
}

/** WAV is little endian, and so is every machine that Node runs on. */
function bytesOf(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

function headerOf(dataBytes: number): Buffer {
  return wavHeader({ sampleRateHz: SAMPLE_RATE_HZ, channelCount: CHANNELS, dataBytes });
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
