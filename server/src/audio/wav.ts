import { decodeAlaw, decodeMulaw } from './g711.ts';

/** Bytes of the header that `wavHeader` makes. */
export const WAV_HEADER_BYTES = 44;

const FORMAT_PCM = 1;
const FORMAT_ALAW = 6;
const FORMAT_MULAW = 7;
const FORMAT_EXTENSIBLE = 0xfffe;
const CHUNK_HEADER_BYTES = 8;
const MAX_CHANNELS = 8;
const MAX_SAMPLE_RATE_HZ = 192_000;

export interface WavAudio {
  sampleRateHz: number;
  /** One array a channel. */
  channels: Int16Array[];
}

/** The bytes are no WAV that we read. */
export class WavError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WavError';
  }
}

/** Header of 16-bit PCM with `dataBytes` bytes of samples. */
export function wavHeader(options: {
  sampleRateHz: number;
  channelCount: number;
  dataBytes: number;
}): Buffer {
  const { sampleRateHz, channelCount, dataBytes } = options;
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(WAV_HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(FORMAT_PCM, 20);
  header.writeUInt16LE(channelCount, 22);
  header.writeUInt32LE(sampleRateHz, 24);
  header.writeUInt32LE(sampleRateHz * channelCount * 2, 28);
  header.writeUInt16LE(channelCount * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

/**
 * Reads 16-bit PCM, mu-law and A-law. A file that is shorter than it says gives what is there.
 * @throws WavError that says what was expected and what came.
 */
export function readWav(bytes: Buffer): WavAudio {
  if (
    bytes.length < 12 ||
    bytes.toString('latin1', 0, 4) !== 'RIFF' ||
    bytes.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw new WavError('expected a RIFF file of type WAVE');
  }
  let format: WavFormat | null = null;
  for (let at = 12; at + CHUNK_HEADER_BYTES <= bytes.length;) {
    const id = bytes.toString('latin1', at, at + 4);
    const sizeBytes = bytes.readUInt32LE(at + 4);
    const from = at + CHUNK_HEADER_BYTES;
    const chunk = bytes.subarray(from, Math.min(bytes.length, from + sizeBytes));
    if (id === 'fmt ') format = readFormat(chunk);
    if (id === 'data') {
      if (!format) throw new WavError('expected a fmt chunk before the data');
      return { sampleRateHz: format.sampleRateHz, channels: split(linear(chunk, format), format) };
    }
    // Chunks begin at even places.
    at = from + sizeBytes + (sizeBytes & 1);
  }
  throw new WavError('expected a data chunk, got none');
}

interface WavFormat {
  code: number;
  channelCount: number;
  sampleRateHz: number;
  bits: number;
}

function readFormat(chunk: Buffer): WavFormat {
  if (chunk.length < 16) throw new WavError(`expected 16 bytes of format, got ${chunk.length}`);
  const code = chunk.readUInt16LE(0);
  const format = {
    // The extensible form carries the code at the start of a GUID.
    code: code === FORMAT_EXTENSIBLE && chunk.length >= 26 ? chunk.readUInt16LE(24) : code,
    channelCount: chunk.readUInt16LE(2),
    sampleRateHz: chunk.readUInt32LE(4),
    bits: chunk.readUInt16LE(14),
  };
  const { channelCount, sampleRateHz } = format;
  if (channelCount < 1 || channelCount > MAX_CHANNELS) {
    throw new WavError(`expected 1 to ${MAX_CHANNELS} channels, got ${channelCount}`);
  }
  if (sampleRateHz < 1 || sampleRateHz > MAX_SAMPLE_RATE_HZ) {
    throw new WavError(`expected at most ${MAX_SAMPLE_RATE_HZ} Hz, got ${sampleRateHz}`);
  }
  return format;
}

function split(all: Int16Array, { channelCount }: WavFormat): Int16Array[] {
  if (channelCount === 1) return [all];
  const length = Math.floor(all.length / channelCount);
  return Array.from({ length: channelCount }, (_, channel) => {
    const samples = new Int16Array(length);
    for (let i = 0; i < length; i++) samples[i] = all[i * channelCount + channel] ?? 0;
    return samples;
  });
}

function linear(data: Buffer, { code, bits }: WavFormat): Int16Array {
  if (code === FORMAT_MULAW) return decodeMulaw(data);
  if (code === FORMAT_ALAW) return decodeAlaw(data);
  if (code !== FORMAT_PCM || bits !== 16) {
    throw new WavError(
      `expected 16-bit PCM, mu-law or A-law, got format ${code} with ${bits} bits`,
    );
  }
  const samples = new Int16Array(data.length >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = data.readInt16LE(2 * i);
  return samples;
}
