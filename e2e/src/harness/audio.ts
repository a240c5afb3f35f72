/** 16-bit stereo PCM. */
export interface StereoWav {
  sampleRateHz: number;
  left: Int16Array;
  right: Int16Array;
}

/** @throws Error where the bytes are no such file. */
export function readStereoWav(bytes: Buffer): StereoWav {
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error('not a WAV file');
  }
  let channels = 0;
  let sampleRateHz = 0;
  for (let at = 12; at + 8 <= bytes.length;) {
    const id = bytes.toString('latin1', at, at + 4);
    const sizeBytes = bytes.readUInt32LE(at + 4);
    if (id === 'fmt ') {
      channels = bytes.readUInt16LE(at + 10);
      sampleRateHz = bytes.readUInt32LE(at + 12);
    }
    if (id === 'data') {
      // The length is written at the end: of a file that is being written it may say nothing yet.
      const endAt = sizeBytes === 0 ? bytes.length : Math.min(bytes.length, at + 8 + sizeBytes);
      const data = bytes.subarray(at + 8, endAt);
      const count = Math.floor(data.length / 2 / channels);
      const channel = (n: number): Int16Array =>
        Int16Array.from({ length: count }, (_, i) => data.readInt16LE(2 * (i * channels + n)));
      return { sampleRateHz, left: channel(0), right: channel(Math.min(1, channels - 1)) };
    }
    at += 8 + sizeBytes + (sizeBytes & 1);
  }
  throw new Error('the WAV file has no data');
}

export function rmsOf(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

/** 16-bit mono PCM at 8 kHz as a WAV file. */
export function monoWav(samples: Int16Array): Buffer {
  const bytes = Buffer.alloc(44 + samples.length * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + samples.length * 2, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(8_000, 24);
  bytes.writeUInt32LE(16_000, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, i) => bytes.writeInt16LE(sample, 44 + i * 2));
  return bytes;
}
