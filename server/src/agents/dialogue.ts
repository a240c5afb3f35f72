/** What the caller did in a turn. */
export type CallerInput =
  { type: 'speech'; text: string; confidence: number } | { type: 'dtmf'; digits: string };

/** What the agent does in a turn, in order. */
export type ReplyPart =
  /** A sentence or clause to be spoken. */
  | { type: 'say'; text: string }
  /** Hang up once everything said before has been played out. `reason` is a slug of calls/end-reasons. */
  | { type: 'end-call'; reason: string }
  /** Send digits to the far end. */
  | { type: 'dtmf'; digits: string }
  /** Something for the record and the live feed, such as a tool that ran. */
  | { type: 'note'; name: string; data: Record<string, unknown> };

/**
 * An answer in the making. It may be made from a guess of what the caller said: nothing is
 * remembered, no tool runs, until `commit`. Dropping it is `abort`.
 */
export interface DialogueReply {
  /** Text may stream before `commit`; parts with effects come only after it. One reader. */
  readonly parts: AsyncIterable<ReplyPart>;
  /** The turn is the caller's last word: the reply counts. */
  commit(): void;
  /** Stops the work and forgets the reply; after `commit` it stops what is not said yet. */
  abort(): void;
}

/** Decides what the agent says: a script, or a language model. One per call. */
export interface Dialogue {
  /** First words, committed by nature; null: the caller speaks first. */
  opening(): DialogueReply | null;
  reply(input: CallerInput): DialogueReply;
  /** What to say after `count` silences in a row (1, 2, ...); null: nothing. */
  silence(count: number): DialogueReply | null;
  /** After a committed reply was played or cut: exactly what the caller heard of it. */
  heard(reply: DialogueReply, text: string, interrupted: boolean): void;
  /** What the answer will probably be: biases recognition and keys. */
  readonly expects: { digits: boolean; dtmfMaxDigits: number };
  /** Slots, intent, outcome so far, for the call's record. JSON. */
  outcome(): Record<string, unknown>;
  /**
   * The agent leaves the call: what still runs for it is given up. Idempotent.
   * @param transferred because the caller talks with somebody else from now on.
   */
  close?(transferred: boolean): void;
}
