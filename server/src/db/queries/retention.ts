import type { Queryable } from './queryable.ts';
import { countTouched, selectOne, selectRows } from './row.ts';

/** Days that something is kept; null: for ever. */
export interface RetentionRow {
  recordingDays: number | null;
  transcriptDays: number | null;
  /** SIP messages. */
  sipDays: number | null;
}

export async function get(client: Queryable, workspaceId: string): Promise<RetentionRow> {
  const row = await selectOne<RetentionRow>(
    client,
    'select recording_days, transcript_days, sip_days from retention_settings where workspace_id = $1',
    [workspaceId],
  );
  return row ?? { recordingDays: null, transcriptDays: null, sipDays: null };
}

export async function put(
  client: Queryable,
  workspaceId: string,
  { recordingDays, transcriptDays, sipDays }: RetentionRow,
): Promise<void> {
  await client.query(
    `insert into retention_settings (workspace_id, recording_days, transcript_days, sip_days)
     values ($1, $2, $3, $4)
     on conflict (workspace_id) do update set recording_days = excluded.recording_days,
       transcript_days = excluded.transcript_days, sip_days = excluded.sip_days, updated_at = now()`,
    [workspaceId, recordingDays, transcriptDays, sipDays],
  );
}

/** A recording that is kept. */
export interface KeptRecording {
  id: string;
  workspaceId: string;
  recordingKey: string;
  recordingStore: 'disk' | 's3';
}

/** The agent's days go before the workspace's; neither: for ever. */
const DAYS = (field: 'recording_days' | 'transcript_days'): string =>
  `coalesce((agents.config #>> '{retention,${field}}')::int, retention_settings.${field})`;
const WITH_SETTINGS = `calls left join agents on agents.id = calls.agent_id
  left join retention_settings on retention_settings.workspace_id = calls.workspace_id`;
/** Asked once a statement, and not of each call: mostly nobody has set any. */
const ANY_DAYS = (field: 'recording_days' | 'transcript_days'): string =>
  `(select exists (select from retention_settings where ${field} is not null)
    or exists (select from agents where config #>> '{retention,${field}}' is not null))`;
const SETTLED = `exists (select from post_call_steps
  where post_call_steps.call_id = calls.id and step = 'final')`;

/** Recordings whose time is over, oldest first. */
export async function listExpiredRecordings(
  client: Queryable,
  now: Date,
  limit = 100,
): Promise<KeptRecording[]> {
  return selectRows(
    client,
    `select calls.id, calls.workspace_id, calls.recording_key, calls.recording_store
     from ${WITH_SETTINGS}
     where ${ANY_DAYS('recording_days')} and calls.recording_key is not null and ${SETTLED}
       and calls.ended_at < $1::timestamptz - ${DAYS('recording_days')} * interval '1 day'
     order by calls.ended_at limit $2`,
    [now, limit],
  );
}

/** Calls whose transcript's time is over, oldest first. */
export async function listExpiredTranscripts(
  client: Queryable,
  now: Date,
  limit = 100,
): Promise<{ id: string; workspaceId: string }[]> {
  return selectRows(
    client,
    `select calls.id, calls.workspace_id from ${WITH_SETTINGS}
     where ${ANY_DAYS('transcript_days')} and calls.transcript is not null and ${SETTLED}
       and calls.ended_at < $1::timestamptz - ${DAYS('transcript_days')} * interval '1 day'
     order by calls.ended_at limit $2`,
    [now, limit],
  );
}

/** Deletes SIP messages whose time is over, so many calls at once; how many it were. */
export async function deleteExpiredTraces(
  client: Queryable,
  now: Date,
  limit = 100,
): Promise<number> {
  return countTouched(
    client,
    `delete from sip_traces where call_id in (
       select sip_traces.call_id from sip_traces
       join retention_settings using (workspace_id)
       where sip_days is not null
         and sip_traces.created_at < $1::timestamptz - sip_days * interval '1 day'
       limit $2)`,
    [now, limit],
  );
}

/** A recording on the disk of some machine. */
export interface DiskRecording extends KeptRecording {
  endedAt: Date | null;
}

/** Recordings of finished calls that are still on a disk, newest first, of calls before a time. */
export async function listOnDisk(
  client: Queryable,
  before: Date | null,
  limit = 100,
): Promise<DiskRecording[]> {
  return selectRows(
    client,
    `select id, workspace_id, recording_key, recording_store, ended_at from calls
     where recording_key is not null and recording_store = 'disk' and ${SETTLED}
       and ($1::timestamptz is null or ended_at < $1)
     order by ended_at desc limit $2`,
    [before, limit],
  );
}

/** The recording is gone. False: there was none. */
export async function forgetRecording(
  client: Queryable,
  callId: string,
  workspaceId: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `update calls set recording_key = null, recording_deleted_at = now()
     where id = $1 and workspace_id = $2 and recording_key is not null`,
    [callId, workspaceId],
  );
  return touched > 0;
}

/**
 * Removes what was said from a call: transcript, summary, turns, the text of events and the arguments of tools. Times, the
 * outcome and extracted data stay. False: there is no such call.
 */
export async function forgetTranscript(
  client: Queryable,
  callId: string,
  workspaceId: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `update calls set transcript = null, summary = null, transcript_deleted_at = now()
     where id = $1 and workspace_id = $2`,
    [callId, workspaceId],
  );
  if (touched === 0) return false;
  await client.query('delete from turns where call_id = $1 and workspace_id = $2', [
    callId,
    workspaceId,
  ]);
  await client.query(
    `update call_events set data = data || '{"text": ""}'
     where call_id = $1 and workspace_id = $2 and data ? 'text'`,
    [callId, workspaceId],
  );
  // What a model passes to a tool is what the caller said.
  await client.query(
    `update call_events set data = data || '{"arguments": null}'
     where call_id = $1 and workspace_id = $2 and type in ('tool.called', 'tool.finished')`,
    [callId, workspaceId],
  );
  return true;
}
