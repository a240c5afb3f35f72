import type { CallReport } from '../voice/worker-protocol.ts';
import { open } from 'node:fs/promises';
import { WAV_HEADER_BYTES } from '../audio/wav.ts';

/** Where the header of 16-bit PCM says how many bytes a second has. */
const BYTE_RATE_OFFSET = 28;

/** How long the recording at a path is, by its header and its size; 0 where there is none. */
export async function recordingDurationMs(path: string): Promise<number> {
  try {
    const file = await open(path, 'r');
    try {
      const header = Buffer.alloc(WAV_HEADER_BYTES);
      const { bytesRead } = await file.read(header, 0, WAV_HEADER_BYTES, 0);
      if (bytesRead < WAV_HEADER_BYTES || header.toString('latin1', 0, 4) !== 'RIFF') return 0;
      const byteRate = header.readUInt32LE(BYTE_RATE_OFFSET);
      const { size } = await file.stat();
      return byteRate === 0 ? 0 : Math.floor(((size - WAV_HEADER_BYTES) * 1_000) / byteRate);
    } finally {
      await file.close();
    }
  } catch {
    return 0;
  }
}

/** A worker that crashed could not say how long its recording is; the file does. */
export async function withDuration(report: CallReport | null): Promise<CallReport | null> {
  if (report?.recordingPath == null || report.recordingDurationMs > 0) return report;
  return { ...report, recordingDurationMs: await recordingDurationMs(report.recordingPath) };
}
