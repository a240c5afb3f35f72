import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWav, WAV_HEADER_BYTES, wavHeader } from './wav.ts';
import { repairWav } from './wav-repair.ts';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-repair-'));
  path = join(folder, 'call.wav');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A second of stereo whose header promises `promisedBytes`. */
async function write(promisedBytes: number, extra = Buffer.alloc(0)): Promise<void> {
  const header = wavHeader({ sampleRateHz: 8_000, channelCount: 2, dataBytes: promisedBytes });
  await writeFile(path, Buffer.concat([header, Buffer.alloc(32_000, 7), extra]));
}

describe('a recording whose writer died', () => {
  it.each([
    ['before the header was put right', 16_000, 0],
    ['in the middle of an append', 32_000, 3],
    ['before the disk had what the header promises', 64_000, 0],
  ])('%s plays all that is there', async (_when, promisedBytes, extraBytes) => {
    await write(promisedBytes, Buffer.alloc(extraBytes));
    expect(await repairWav(path)).toBe(1_000);
    const bytes = await readFile(path);
    expect(bytes).toHaveLength(WAV_HEADER_BYTES + 32_000);
    expect(bytes.readUInt32LE(40)).toBe(32_000);
    expect(bytes.readUInt32LE(4)).toBe(32_036);
    expect(readWav(bytes).channels[1]).toHaveLength(8_000);
    expect(await repairWav(path)).toBe(1_000);
    expect(await readFile(path)).toEqual(bytes);
  });

  it('is none where there is no file, no audio or no such header', async () => {
    expect(await repairWav(join(folder, 'none.wav'))).toBeNull();
    await write(0);
    await truncate(path, WAV_HEADER_BYTES + 3);
    expect(await repairWav(path)).toBeNull();
    await truncate(path, 20);
    expect(await repairWav(path)).toBeNull();
    await writeFile(path, Buffer.alloc(400));
    expect(await repairWav(path)).toBeNull();
    expect(await readFile(path)).toEqual(Buffer.alloc(400));
  });
});
