import { createReadStream, type ReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '../shared/private-directory.ts';

/** One recording, opened for reading. */
export interface OpenRecording {
  /** Closes its file by itself at the end or when destroyed. */
  stream: ReadStream;
  sizeBytes: number;
}

/** Recordings as WAV files on disk, a folder for each workspace. */
export interface RecordingStore {
  /** Where to write the recording of a call; its folder exists afterwards. */
  pathFor(workspaceId: string, callId: string): Promise<string>;
  /** What the database keeps: names the recording without saying where the store is. */
  keyOf(workspaceId: string, callId: string): string;
  /** The file that a key names, whether it exists or not; null: the key is none of ours. */
  fileOf(key: string): string | null;
  /** Null when there is no such recording or the key is none of ours. */
  open(key: string, range?: { startByte: number; endByte: number }): Promise<OpenRecording | null>;
  /** Harmless when there is none. */
  delete(key: string): Promise<void>;
}

/** Ids and nothing else: no dots, no separators, so that no key leaves the folder. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const KEY = /^([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{1,64})\.wav$/;

/** Keeps recordings below `dir`. */
export function createRecordingStore(dir: string): RecordingStore {
  const fileOf = (key: string): string | null => {
    const [, workspaceId, callId] = KEY.exec(key) ?? [];
    return workspaceId && callId ? join(dir, workspaceId, `${callId}.wav`) : null;
  };
  const keyOf = (workspaceId: string, callId: string): string => {
    if (!ID.test(workspaceId) || !ID.test(callId)) {
      throw new Error('expected ids of a workspace and a call');
    }
    return `${workspaceId}/${callId}.wav`;
  };
  return {
    keyOf,
    fileOf,
    async pathFor(workspaceId, callId) {
      const key = keyOf(workspaceId, callId);
      // Voices are nobody's business but ours.
      makePrivateDirectory(join(dir, workspaceId));
      return join(dir, key);
    },
    async open(key, range) {
      const path = fileOf(key);
      return path === null ? null : openRecording(path, range);
    },
    async delete(key) {
      const path = fileOf(key);
      if (path !== null) await rm(path, { force: true });
    },
  };
}

async function openRecording(
  path: string,
  range: { startByte: number; endByte: number } | undefined,
): Promise<OpenRecording | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return null;
  try {
    const info = await file.stat();
    if (!info.isFile()) {
      await file.close();
      return null;
    }
    const stream = createReadStream(path, {
      fd: file,
      start: range?.startByte ?? 0,
      ...(range && { end: range.endByte }),
    });
    return { stream, sizeBytes: info.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}
