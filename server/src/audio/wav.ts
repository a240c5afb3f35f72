import { decodeAlaw, decodeMulaw } from './g711.ts';

/** Bytes of the header that `wavHeader` makes. */
export const WAV_HEADER_BYTES = 44;

const FORMAT_PCM = 1;
const FORMAT_ALAW = 6;
const FORMAT_MULAW = 7;

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
 * Reads 16-bit PCM, mu-law and A-law.
 * @throws WavError that says what was expected and what came.
 */
export function readWav(bytes: Buffer): WavAudio {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'RIFF') {
    throw new WavError('expected a RIFF file');
  }
  let format: { code: number; channelCount: number; sampleRateHz: number; bits: number } | null =
    null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const id = bytes.toString('latin1', at, at + 4);
    const sizeBytes = bytes.readUInt32LE(at + 4);
    const from = at + 8;
    if (id === 'fmt ' && from + 16 <= bytes.length) {
      format = {
        code: bytes.readUInt16LE(from),
        channelCount: bytes.readUInt16LE(from + 2),
        sampleRateHz: bytes.readUInt32LE(from + 4),
        bits: bytes.readUInt16LE(from + 14),
      };
    }
    if (id === 'data') {
      if (!format) throw new WavError('expected a fmt chunk before the data');
      const data = bytes.subarray(from, Math.min(bytes.length, from + sizeBytes));
      return { sampleRateHz: format.sampleRateHz, channels: split(data, format) };
    }
    at = from + sizeBytes + (sizeBytes & 1);
  }
  throw new WavError('expected a data chunk, got none');
}

function split(
  data: Buffer,
  format: { code: number; channelCount: number; bits: number },
): Int16Array[] {
  const { channelCount } = format;
  if (channelCount < 1 || channelCount > 8) {
    throw new WavError(`expected 1 to 8 channels, got ${channelCount}`);
  }
  const all = linear(data, format);
  const length = Math.floor(all.length / channelCount);
  return Array.from({ length: channelCount }, (_, channel) =>
    Int16Array.from({ length }, (_sample, i) => all[i * channelCount + channel] ?? 0),
  );
}

function linear(data: Buffer, format: { code: number; bits: number }): Int16Array {
  if (format.code === FORMAT_MULAW) return decodeMulaw(data);
  if (format.code === FORMAT_ALAW) return decodeAlaw(data);
  if (format.code !== FORMAT_PCM || format.bits !== 16) {
    throw new WavError(
      `expected 16-bit PCM, mu-law or A-law, got format ${format.code} with ${format.bits} bits`,
    );
  }
  return Int16Array.from({ length: data.length >> 1 }, (_, i) => data.readInt16LE(2 * i));
}
