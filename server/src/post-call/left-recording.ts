import { repairWav } from '../audio/wav-repair.ts';
import type { CallRow } from '../db/queries/calls.ts';
import type { PostCallContext } from './post-call-context.ts';

/** A recording that nobody could name when its call ended. */
export interface FoundRecording {
  recordingKey: string;
  recordingDurationMs: number;
}

/**
 * What the process of a call that died has written of it. Null: nothing, nothing that plays, or it
 * lies on another machine.
 */
export async function findLeftBehind(
  ctx: Pick<PostCallContext, 'recordings' | 'logger'>,
  call: Pick<CallRow, 'id' | 'workspaceId' | 'endReason' | 'recordingDeletedAt'>,
): Promise<FoundRecording | null> {
  if (call.endReason !== 'node-lost' || call.recordingDeletedAt !== null) return null;
  const { recordingKey, path } = ctx.recordings.fileOf(call.workspaceId, call.id);
  if (path === null) return null;
  try {
    const recordingDurationMs = await repairWav(path);
    return recordingDurationMs === null ? null : { recordingKey, recordingDurationMs };
  } catch (error) {
    ctx.logger.warn(
      { err: error, callId: call.id },
      'the recording that a process left when it died cannot be read',
    );
    return null;
  }
}
