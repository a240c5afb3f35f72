import { DateTime, IANAZone } from 'luxon';
import { uuidOfId } from '../shared/ids.ts';
import type { CallRow } from '../db/queries/calls.ts';

/** What every text of an agent can name without anybody giving it. */
export function systemVariables(
  call: CallRow,
  options: { sipCallId: string; timezone: string; nowMs: number; usesUuids: boolean },
): Record<string, string> {
  const { sipCallId, timezone, nowMs, usesUuids } = options;
  const now = DateTime.fromMillis(nowMs, { zone: timezone, locale: 'en-US' });
  const { agentId, executionId } = idsFor(call, usesUuids);
  return {
    agent_id: agentId,
    call_id: call.id,
    execution_id: executionId,
    call_sid: sipCallId,
    from_number: call.fromNumber,
    to_number: call.toNumber,
    current_date: now.toFormat('cccc, LLLL d, yyyy'),
    current_time: now.toFormat('h:mm a'),
    timezone,
  };
}

/** A call's ids as those know them who made its agent. */
export function idsFor(
  call: Pick<CallRow, 'id' | 'agentId'>,
  usesUuids: boolean,
): { agentId: string; executionId: string } {
  const spelled = (id: string): string => (usesUuids ? uuidOfId(id) : null) ?? id;
  return { agentId: spelled(call.agentId ?? ''), executionId: spelled(call.id) };
}

/** The first of these that is a time zone; `UTC` where none is. */
export function firstZone(...names: (string | null | undefined)[]): string {
  return names.find((name) => name != null && IANAZone.isValidZone(name)) ?? 'UTC';
}
