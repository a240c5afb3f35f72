import { mkdtemp, open, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StereoWavWriter } from './wav-writer.ts';
import { readWav, WAV_HEADER_BYTES } from './wav.ts';

const FRAME_BYTES = 640;
let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wav-writer-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const frame = (value: number): Int16Array => new Int16Array(160).fill(value);

/** The first sample of each 20 ms. */
const firsts = (channel: Int16Array | undefined): number[] =>
  Array.from({ length: (channel?.length ?? 0) / 160 }, (_, n) => channel?.[n * 160] ?? Number.NaN);

/** Waits until the file has `bytes` bytes; the disk tells nobody else. */
async function grown(path: string, bytes: number): Promise<void> {
  for (;;) {
    const { size } = await stat(path).catch(() => ({ size: 0 }));
    if (size >= bytes) return;
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Waits until the header on disk tells of `dataBytes`; it is put right after the samples. */
async function promised(path: string, dataBytes: number): Promise<Buffer> {
  await grown(path, WAV_HEADER_BYTES + dataBytes);
  for (;;) {
    const bytes = await readFile(path);
    if (bytes.readUInt32LE(40) >= dataBytes) return bytes;
  }
}

describe('StereoWavWriter', () => {
  it('writes both sides, in order, silence where one says nothing', async () => {
    const path = join(directory, 'call.wav');
    const writer = new StereoWavWriter(path);
    const count = 137;
    for (let n = 0; n < count; n++) {
      writer.write(n % 3 === 0 ? null : frame(n), n % 2 === 0 ? frame(-n) : null);
    }
    await writer.close();
    const { sampleRateHz, channels } = readWav(await readFile(path));
    expect(sampleRateHz).toBe(8_000);
    const all = Array.from({ length: count }, (_, n) => n);
    expect(firsts(channels[0])).toEqual(all.map((n) => (n % 3 === 0 ? 0 : n)));
    expect(firsts(channels[1]).map(Math.abs)).toEqual(all.map((n) => (n % 2 === 0 ? n : 0)));
    expect(writer).toMatchObject({ durationMs: count * 20, droppedFrames: 0, error: null });
  });

  it('copies the frames: what is done to them afterwards is not heard', async () => {
    const path = join(directory, 'call.wav');
    const writer = new StereoWavWriter(path);
    const samples = frame(5);
    writer.write(samples, samples);
    samples.fill(99);
    await writer.close();
    expect(readWav(await readFile(path)).channels[0]?.[159]).toBe(5);
  });

  it('leaves a file that plays to its last whole second when the process dies', async () => {
    const path = join(directory, 'call.wav');
    const writer = new StereoWavWriter(path);
    for (let n = 0; n < 120; n++) writer.write(frame(n), null);
    // Nobody closes it.
    const bytes = await promised(path, 100 * FRAME_BYTES);
    expect(bytes.readUInt32LE(40)).toBe(100 * FRAME_BYTES);
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(firsts(readWav(bytes).channels[0])).toEqual(Array.from({ length: 100 }, (_, n) => n));
    await writer.close();
    expect(firsts(readWav(await readFile(path)).channels[0])).toHaveLength(120);
  });

  it('keeps the order of frames that come while the disk is busy', async () => {
    const path = join(directory, 'call.wav');
    const writer = new StereoWavWriter(path);
    for (let n = 0; n < 1_000; n++) {
      writer.write(frame(n), null);
      if (n % 70 === 0) {
        await new Promise<void>((resolve) => {
          setImmediate(resolve);
        });
      }
    }
    await writer.close();
    expect(firsts(readWav(await readFile(path)).channels[0])).toEqual(
      Array.from({ length: 1_000 }, (_, n) => n),
    );
  });

  it('loses audio instead of memory where the disk stands still', async () => {
    const path = join(directory, 'call.wav');
    const writer = new StereoWavWriter(path);
    // In one turn of the event loop nothing can be written.
    for (let n = 0; n < 5_000; n++) writer.write(frame(1), frame(1));
    expect(writer.droppedFrames).toBeGreaterThan(0);
    expect(writer.durationMs).toBe(100_000);
    await writer.close();
    const kept = 5_000 - writer.droppedFrames;
    expect(firsts(readWav(await readFile(path)).channels[0])).toHaveLength(kept);
    expect(kept).toBeGreaterThanOrEqual(3_000);
  });

  it('tells of a disk error instead of throwing, and goes on taking frames', async () => {
    const writer = new StereoWavWriter(join(directory, 'no such folder', 'call.wav'));
    for (let n = 0; n < 60; n++) writer.write(frame(n), null);
    await writer.close();
    expect(writer.error).toMatchObject({ code: 'ENOENT' });
    expect(writer.durationMs).toBe(1_200);
    expect(writer.droppedFrames).toBe(60);
  });

  it('keeps what is on disk, and only that, when the disk is full', async () => {
    const path = join(directory, 'call.wav');
    const writer = new StereoWavWriter(path);
    for (let n = 0; n < 100; n++) writer.write(frame(n), null);
    await promised(path, 100 * FRAME_BYTES);
    const any = await open(path, 'r');
    const prototype = Object.getPrototypeOf(any) as FileHandle;
    await any.close();
    const write = vi.spyOn(prototype, 'write');
    try {
      const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
      write.mockRejectedValue(full);
      for (let n = 100; n < 190; n++) writer.write(frame(n), null);
      await writer.close();
      expect(writer).toMatchObject({ writtenMs: 2_000, droppedFrames: 90, error: full });
    } finally {
      write.mockRestore();
    }
    const bytes = await readFile(path);
    expect(bytes).toHaveLength(WAV_HEADER_BYTES + 100 * FRAME_BYTES);
    expect(firsts(readWav(bytes).channels[0])).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  it('can be closed twice, takes nothing afterwards, and makes no file where there was no audio', async () => {
    const path = join(directory, 'call.wav');
    const writer = new StereoWavWriter(path);
    await Promise.all([writer.close(), writer.close()]);
    writer.write(frame(1), frame(1));
    await writer.close();
    expect(writer.durationMs).toBe(0);
    await expect(stat(path)).rejects.toThrow('ENOENT');
    expect(writer.error).toBeNull();
  });
});
