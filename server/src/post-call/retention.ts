import type { Database } from '../db/database.ts';
import * as retention from '../db/queries/retention.ts';
import type { RecordingLibrary } from '../storage/recording-library.ts';

/** What is needed to let go of what calls left. */
export interface RetentionContext {
  db: Pick<Database, 'transaction'>;
  recordings: Pick<RecordingLibrary, 'delete'>;
}

/**
 * Deletes a recording: the object first, so that a row that says "deleted" is true. Interrupted in
 * between it is done again.
 */
export async function deleteRecording(
  { db, recordings }: RetentionContext,
  call: retention.KeptRecording,
): Promise<void> {
  await recordings.delete(call);
  await db.transaction((client) => retention.forgetRecording(client, call.id, call.workspaceId));
}

/** Deletes what was said: transcript, summary, turns and the words in the call's events. */
export async function deleteTranscript(
  { db }: Pick<RetentionContext, 'db'>,
  call: { id: string; workspaceId: string },
): Promise<void> {
  await db.transaction((client) => retention.forgetTranscript(client, call.id, call.workspaceId));
}
