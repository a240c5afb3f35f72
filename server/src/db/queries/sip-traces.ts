import type { Queryable } from './queryable.ts';
import { selectOne } from './row.ts';
import { storableJson } from './storable-text.ts';

/** One SIP message of a call; JSON, as stored. */
export interface TracedMessage {
  /** Milliseconds since the Unix epoch. */
  at_ms: number;
  direction: 'sent' | 'received';
  /** `host:port` of the far end of the wire. */
  peer: string;
  /** `host:port` of ours; absent in older ones. */
  local?: string | null;
  transport: string;
  /** The message as it was, with secrets masked. */
  text: string;
}

/** Stores what a call's wire carried; what came later is added at the end. */
export async function append(
  client: Queryable,
  trace: { callId: string; workspaceId: string; messages: readonly TracedMessage[] },
): Promise<void> {
  await client.query(
    `insert into sip_traces (call_id, workspace_id, messages) values ($1, $2, $3)
     on conflict (call_id) do update set messages = sip_traces.messages || excluded.messages`,
    [trace.callId, trace.workspaceId, storableJson(trace.messages)],
  );
}

/** In the order in which they crossed the wire; empty where nothing was kept. */
export async function read(
  client: Queryable,
  workspaceId: string,
  callId: string,
): Promise<TracedMessage[]> {
  const row = await selectOne<{ messages: TracedMessage[] }>(
    client,
    'select messages from sip_traces where workspace_id = $1 and call_id = $2',
    [workspaceId, callId],
  );
  return row?.messages ?? [];
}
