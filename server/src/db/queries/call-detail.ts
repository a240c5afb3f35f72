import type { AttemptRow } from './attempts.ts';
import type { CallRow } from './calls.ts';
import type { Queryable } from './queryable.ts';
import { jsonRow, selectOne } from './row.ts';
import type { TurnRow } from './turns.ts';

/** A call with what was said in it and how it was dialled. */
export interface CallDetail {
  call: CallRow;
  turns: TurnRow[];
  attempts: AttemptRow[];
  /** Data of the events `tool.finished`, in order. */
  toolRuns: Json[];
}

type Json = Record<string, unknown>;

/** In one round trip; null when the workspace has no such call. */
export async function get(
  client: Queryable,
  workspaceId: string,
  callId: string,
): Promise<CallDetail | null> {
  const row = await selectOne<
    CallRow & { turnRows: Json[]; attemptRows: Json[]; toolRuns: Json[] }
  >(
    client,
    `select calls.*,
       array(select e.data from call_events e where e.call_id = $1 and e.type = 'tool.finished'
         order by e.sequence) as tool_runs,
       array(select to_json(t) from turns t where t.call_id = $1 order by t.sequence) as turn_rows,
       array(select to_json(a) from attempts a where a.call_id = $1 order by a.sequence)
         as attempt_rows
     from calls where id = $1 and workspace_id = $2`,
    [callId, workspaceId],
  );
  if (!row) return null;
  const { turnRows, attemptRows, toolRuns, ...call } = row;
  return {
    call,
    toolRuns,
    turns: turnRows.map((turn) => jsonRow(turn, []) as TurnRow),
    attempts: attemptRows.map(
      (attempt) => jsonRow(attempt, ['startedAt', 'endedAt']) as AttemptRow,
    ),
  };
}
