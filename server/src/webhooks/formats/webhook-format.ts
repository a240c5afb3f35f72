import type { AttemptRow } from '../../db/queries/attempts.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import type { TurnRow } from '../../db/queries/turns.ts';
import type { EventType } from '../../events/event-type.ts';

/** A fact that is to be delivered. */
export interface WebhookEvent {
  /** Of the delivery; the same at every try. */
  id: string;
  workspaceId: string;
  type: EventType;
  /** Null where the fact is not of a call. */
  callId: string | null;
  /** Place within the call; null where the fact is not of a call. */
  sequence: number | null;
  at: Date;
  data: Record<string, unknown>;
}

/** A call as it is now, for a format that shows it. */
export interface CallFacts {
  call: CallRow;
  turns: readonly TurnRow[];
  attempts: readonly AttemptRow[];
  /** Data of the events `tool.finished`, in order. */
  toolRuns: readonly Record<string, unknown>[];
  recordingUrl: string | null;
}

/** A body, before it is JSON, under the name that the format has for the event. */
export interface WebhookPayload {
  name: string;
  body: unknown;
}

export interface SigningInput {
  workspaceId: string;
  /** `whsec_...`; the first is the current one. */
  secrets: readonly string[];
  body: string;
  atMs: number;
}

/** One way of telling facts over HTTP. */
export interface WebhookFormatter {
  /** Of the request's body. */
  contentType: string;
  /** Whether `build` wants the call of an event of this type. */
  needsCall(type: EventType): boolean;
  /** Null: this format has nothing to say about it. */
  build(event: WebhookEvent, call: CallFacts | null): WebhookPayload | null;
  /** Headers besides content type and the signature that every webhook has. */
  headers?(input: SigningInput): Record<string, string> | Promise<Record<string, string>>;
}
