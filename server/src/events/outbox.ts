import type { Queryable } from '../db/queries/queryable.ts';
import * as webhookDeliveries from '../db/queries/webhook-deliveries.ts';
import { eventNames, type PlatformEventData, type PlatformEventType } from './event-type.ts';

/** A fact that is not of a call. */
export type EventDraft<Type extends PlatformEventType = PlatformEventType> = {
  [One in Type]: {
    workspaceId: string;
    /** Events of the same key reach an endpoint in the order in which they were appended. */
    orderKey: string;
    type: One;
    data: PlatformEventData[One];
  };
}[Type];

/**
 * Puts a fact that is not of a call on the outbox of every endpoint that wants it, in the caller's
 * transaction: it is delivered when that commits, and never when it does not. Facts of calls come
 * here by `appendCallEvent`.
 */
export async function appendEvent(client: Queryable, draft: EventDraft): Promise<void> {
  await webhookDeliveries.enqueue(client, { ...draft, names: eventNames(draft.type) });
}
