import { DateTime, IANAZone } from 'luxon';
import { uuidOfId } from '../shared/ids.ts';
import type { CallRow } from '../db/queries/calls.ts';

/** Doors whose clients know calls by another spelling of their ids. */
const UUID_DOORS: ReadonlySet<string> = new Set(['bolna', 'bolti', 'zentrunk']);

/** What every text of an agent can name without anybody giving it. */
export function systemVariables(
  call: CallRow,
  { sipCallId, timezone, nowMs }: { sipCallId: string; timezone: string; nowMs: number },
): Record<string, string> {
  const now = DateTime.fromMillis(nowMs, { zone: timezone, locale: 'en-US' });
  const spelledOut = UUID_DOORS.has(call.door) ? uuidOfId(call.id) : null;
  return {
    agent_id: call.agentId ?? '',
    call_id: call.id,
    execution_id: spelledOut ?? call.id,
    call_sid: sipCallId,
    from_number: call.fromNumber,
    to_number: call.toNumber,
    current_date: now.toFormat('cccc, LLLL d, yyyy'),
    current_time: now.toFormat('h:mm a'),
    timezone,
  };
}

/** The first of these that is a time zone; `UTC` where none is. */
export function firstZone(...names: (string | null | undefined)[]): string {
  return names.find((name) => name != null && IANAZone.isValidZone(name)) ?? 'UTC';
}
