import * as callEvents from '../db/queries/call-events.ts';
import type { CallPatch, CallRow, CallStatusValue, NewCall } from '../db/queries/calls.ts';
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

/** A call with the event of its new status; to be published after the commit. */
export interface ToldCall {
  call: CallRow;
  event: CallEvent;
}

/** Stores a call together with the event that says so, in the caller's transaction. */
export async function insertToldCall(
  client: Queryable,
  call: NewCall,
  type: CallEvent['type'],
): Promise<ToldCall> {
  const told = await callEvents.insertCall(client, call, { type, names: eventNames(type) });
  return { call: told.call, event: toEvent(told.event) };
}

/**
 * Moves a call from one of these statuses to another together with the event that says so, in the
 * caller's transaction. Null, and nothing done, when it is in none of them.
 */
export async function moveToldCall(
  client: Queryable,
  callId: string,
  move: { from: readonly CallStatusValue[]; to: CallStatusValue; patch: CallPatch },
  type: CallEvent['type'],
): Promise<ToldCall | null> {
  const { from, to, patch } = move;
  const name = { type, names: eventNames(type) };
  const told = await callEvents.transitionCall(client, callId, from, to, patch, name);
  return told && { call: told.call, event: toEvent(told.event) };
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

/** The number of the newest event of all calls; 0: there is none. */
export function lastEventId(client: Queryable): Promise<number> {
  return callEvents.lastId(client);
}

/**
 * What is stored of these workspaces after a number, in the order of the numbers. `nextId`: from where to ask the next time; what is younger than
 * `settledMs`, the `recent` ones, comes again, because a lower number may be committed after a higher
 * one. `isEnd`: there were no more.
 */
export async function readEventsSince(
  client: Queryable,
  after: { workspaceIds: readonly string[]; afterId: number; settledMs: number },
): Promise<{ events: CallEvent[]; recent: CallEvent[]; nextId: number; isEnd: boolean }> {
  const rows = await callEvents.listSince(client, after, PAGE_EVENTS);
  const isEnd = rows.length < PAGE_EVENTS;
  const passed = isEnd ? rows.filter((row) => row.settled) : rows;
  return {
    events: rows.map(toEvent),
    recent: rows.filter((row) => !row.settled).map(toEvent),
    nextId: passed.at(-1)?.id ?? after.afterId,
    isEnd,
  };
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
