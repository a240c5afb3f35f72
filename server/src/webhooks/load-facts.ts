import * as callEvents from '../db/queries/call-events.ts';
import * as attempts from '../db/queries/attempts.ts';
import * as calls from '../db/queries/calls.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as turns from '../db/queries/turns.ts';
import type { CallRow } from '../db/queries/calls.ts';
import type { CallFacts } from './formats/webhook-format.ts';

/** Where a call's recording can be fetched; null: there is none. */
export type RecordingUrlOf = (call: CallRow) => string | null;

/** Reads what formats show of calls, all of them at once. */
export async function loadFacts(
  client: Queryable,
  callIds: readonly string[],
  recordingUrlOf: RecordingUrlOf,
): Promise<Map<string, CallFacts>> {
  if (callIds.length === 0) return new Map();
  const [rows, turnRows, attemptRows, toolRuns] = await Promise.all([
    calls.listByIds(client, callIds),
    turns.listByCalls(client, callIds),
    attempts.listByCalls(client, callIds),
    callEvents.listDataOfType(client, callIds, 'tool.finished'),
  ]);
  const turnsOf = Map.groupBy(turnRows, ({ callId }) => callId);
  const attemptsOf = Map.groupBy(attemptRows, ({ callId }) => callId);
  return new Map(
    rows.map((call) => [
      call.id,
      {
        call,
        turns: turnsOf.get(call.id) ?? [],
        attempts: attemptsOf.get(call.id) ?? [],
        toolRuns: toolRuns.get(call.id) ?? [],
        recordingUrl: recordingUrlOf(call),
      },
    ]),
  );
}
