import * as callEvents from '../db/queries/call-events.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { CallEvent, CallEventDraft } from './call-event.ts';
import { eventNames } from './event-type.ts';

/** Events read from the log at once. */
const PAGE_EVENTS = 1_000;

/**
 * Appends an event to its call and to the outbox of webhooks, in the caller's transaction. Publish
 * what is returned after the commit, never before.
 */
export async function appendCallEvent(
  client: Queryable,
  callId: string,
  draft: CallEventDraft,
): Promise<CallEvent> {
  const { type, data } = draft;
  const row = await callEvents.append(client, { callId, type, data, names: eventNames(type) });
  return toEvent(row);
}

/** Every stored event of a call after a sequence (0: all), in order. */
export async function readCallEvents(
  client: Queryable,
  callId: string,
  afterSequence: number,
): Promise<CallEvent[]> {
  const events: CallEvent[] = [];
  for (let after = afterSequence; ;) {
    const page = await callEvents.listAfter(client, callId, after, PAGE_EVENTS);
    events.push(...page.map(toEvent));
    if (page.length < PAGE_EVENTS) return events;
    after = page.at(-1)?.sequence ?? after;
  }
}

function toEvent(row: callEvents.CallEventRow): CallEvent {
  return {
    workspaceId: row.workspaceId,
    callId: row.callId,
    sequence: row.sequence,
    atMs: row.createdAt.getTime(),
    type: row.type,
    data: row.data,
  } as CallEvent;
}
