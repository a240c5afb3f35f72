import { open, type FileHandle } from 'node:fs/promises';
import { WAV_HEADER_BYTES, wavHeader } from './wav.ts';

const FORMAT_PCM = 1;
const BYTES_A_SAMPLE = 2;
const MAX_CHANNELS = 8;
/** What the size of a RIFF file fits into. */
const MAX_DATA_BYTES = 0xffffffff - WAV_HEADER_BYTES;

/**
 * Puts right what a writer that died left: the file ends after its last whole sample of all
 * channels, and the header says that length. Doing it twice is harmless. Resolves with how long it
 * plays; null: there is no file, no audio in it, or it is no 16-bit PCM with a header of `wavHeader`.
 */
export async function repairWav(path: string): Promise<number | null> {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return null;
  try {
    return await repairOpen(file);
  } finally {
    await file.close();
  }
}

async function repairOpen(file: FileHandle): Promise<number | null> {
  const found = Buffer.alloc(WAV_HEADER_BYTES);
  const { bytesRead } = await file.read(found, 0, WAV_HEADER_BYTES, 0);
  if (bytesRead < WAV_HEADER_BYTES) return null;
  const channelCount = found.readUInt16LE(22);
  const sampleRateHz = found.readUInt32LE(24);
  const frameBytes = channelCount * BYTES_A_SAMPLE;
  const isOurs =
    found.toString('latin1', 0, 4) === 'RIFF' &&
    found.toString('latin1', 8, 16) === 'WAVEfmt ' &&
    found.readUInt16LE(20) === FORMAT_PCM &&
    found.readUInt16LE(34) === BYTES_A_SAMPLE * 8 &&
    found.toString('latin1', 36, 40) === 'data' &&
    channelCount >= 1 &&
    channelCount <= MAX_CHANNELS &&
    sampleRateHz > 0;
  if (!isOurs) return null;
  const { size } = await file.stat();
  const whole = Math.min(size - WAV_HEADER_BYTES, MAX_DATA_BYTES);
  const dataBytes = whole - (whole % frameBytes);
  if (dataBytes === 0) return null;
  if (size !== WAV_HEADER_BYTES + dataBytes) await file.truncate(WAV_HEADER_BYTES + dataBytes);
  const header = wavHeader({ sampleRateHz, channelCount, dataBytes });
  if (!header.equals(found)) await file.write(header, 0, WAV_HEADER_BYTES, 0);
  return Math.floor((dataBytes * 1_000) / (frameBytes * sampleRateHz));
}
