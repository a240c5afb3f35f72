import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { RecordingStore } from './recordings.ts';
import type { S3Store } from './s3-store.ts';

export type RecordingPlace = 'disk' | 's3';

/** A recording as the database names it. */
export interface StoredRecording {
  recordingKey: string;
  recordingStore: RecordingPlace;
}

export interface ByteRange {
  startByte: number;
  endByte: number;
}

/** Recordings wherever they are: on this machine's disk, where calls write them, or in a bucket. */
export interface RecordingLibrary {
  /** Where finished recordings belong. */
  readonly place: RecordingPlace;
  /** How a call's recording is named, and where this machine writes it; whether it exists or not. */
  fileOf(workspaceId: string, callId: string): { recordingKey: string; path: string | null };
  /**
   * Copies a recording from the disk to where it belongs; the file stays. `missing`: it is not on
   * this machine. Doing it twice is harmless.
   */
  archive(recordingKey: string): Promise<RecordingPlace | 'missing'>;
  /** Removes the file of a recording that is in the bucket. */
  forgetFile(recordingKey: string): Promise<void>;
  /** Null when it is gone. */
  open(
    recording: StoredRecording,
    range?: ByteRange,
  ): Promise<{ stream: Readable; sizeBytes: number } | null>;
  /** A link into the bucket; null: it is on the disk. */
  presign(recording: StoredRecording, ttlS: number): Promise<string | null>;
  /** From wherever it is. Harmless when it is gone. */
  delete(recording: StoredRecording): Promise<void>;
}

const CONTENT_TYPE = 'audio/wav';

/** @param s3 null: recordings stay on the disk. */
export function createRecordingLibrary(disk: RecordingStore, s3: S3Store | null): RecordingLibrary {
  const bucket = (): S3Store => {
    if (s3) return s3;
    throw new Error('the recording is in a bucket and S3_ENDPOINT and S3_BUCKET are not set');
  };
  return {
    place: s3 ? 's3' : 'disk',
    fileOf(workspaceId, callId) {
      const recordingKey = disk.keyOf(workspaceId, callId);
      return { recordingKey, path: disk.fileOf(recordingKey) };
    },
    async archive(recordingKey) {
      const path = disk.fileOf(recordingKey);
      const exists =
        path !== null &&
        (await stat(path).then(
          (info) => info.isFile(),
          () => false,
        ));
      if (!exists) return 'missing';
      if (!s3) return 'disk';
      await s3.putFile(recordingKey, path, CONTENT_TYPE);
      return 's3';
    },
    forgetFile: (recordingKey) => disk.delete(recordingKey),
    open({ recordingKey, recordingStore }, range) {
      return recordingStore === 'disk'
        ? disk.open(recordingKey, range)
        : bucket().open(recordingKey, range);
    },
    async presign({ recordingKey, recordingStore }, ttlS) {
      return recordingStore === 'disk' ? null : bucket().presign(recordingKey, ttlS);
    },
    async delete({ recordingKey, recordingStore }) {
      if (recordingStore === 's3') await bucket().delete(recordingKey);
      await disk.delete(recordingKey);
    },
  };
}
