import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';
import { storableJson } from './storable-text.ts';

export interface TurnRow {
  id: string;
  workspaceId: string;
  callId: string;
  sequence: number;
  speaker: 'caller' | 'agent';
  text: string;
  /** Since the call was answered. */
  startedMs: number;
  endedMs: number;
  interrupted: boolean;
  confidence: number | null;
  latency: unknown;
  /** What happened when; as the API shows it. */
  evidence?: unknown;
}

/** Stores turns of one or more calls; one that is stored already stays as it is. */
export async function insertMany(client: Queryable, turns: readonly TurnRow[]): Promise<void> {
  if (turns.length === 0) return;
  await client.query(
    `insert into turns (id, workspace_id, call_id, sequence, speaker, text, started_ms, ended_ms,
       interrupted, confidence, latency, evidence)
     select t.id, t.workspace_id, t.call_id, t.sequence, t.speaker, t.text, t.started_ms,
       t.ended_ms, t.interrupted, t.confidence, t.latency, t.evidence
     from jsonb_to_recordset($1::jsonb) as t (id text, workspace_id text, call_id text,
       sequence int, speaker text, text text, started_ms int, ended_ms int, interrupted boolean,
       confidence real, latency jsonb, evidence jsonb)
     on conflict (call_id, sequence) do nothing`,
    [storableJson(turns.map(toRecord))],
  );
}

function toRecord(turn: TurnRow): Record<string, unknown> {
  return {
    id: turn.id,
    workspace_id: turn.workspaceId,
    call_id: turn.callId,
    sequence: turn.sequence,
    speaker: turn.speaker,
    text: turn.text,
    started_ms: Math.round(turn.startedMs),
    ended_ms: Math.round(turn.endedMs),
    interrupted: turn.interrupted,
    confidence: turn.confidence,
    latency: turn.latency,
    evidence: turn.evidence ?? null,
  };
}

/** In the order in which they were spoken. */
export async function listByCall(client: Queryable, callId: string): Promise<TurnRow[]> {
  return selectRows(client, 'select * from turns where call_id = $1 order by sequence', [callId]);
}

/** Of several calls, each in the order in which it was spoken. */
export async function listByCalls(
  client: Queryable,
  callIds: readonly string[],
): Promise<TurnRow[]> {
  return selectRows(
    client,
    'select * from turns where call_id = any($1) order by call_id, sequence',
    [callIds],
  );
}
