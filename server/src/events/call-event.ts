/** What a call's status change carries; JSON, as stored and as published. */
export interface StatusData {
  status: string;
  end_reason: string | null;
  ended_by: string | null;
  sip: { code: number | null; reason: string | null };
}

/** A tool that an agent runs. */
export interface ToolRunData {
  /** Unique in the call. */
  id: string;
  name: string;
  kind: string;
  arguments: unknown;
  started_ms: number;
}

/** A transfer that is over. */
export interface TransferData {
  id: string;
  to: string;
  /** `refer`: the carrier moved the call; `bridge`: both legs are in one room. */
  method: 'refer' | 'bridge';
  successful: boolean;
  /** Why not; null: it was. */
  reason: string | null;
  /** The call to the target; null: the carrier's own. */
  target_call_id: string | null;
  sip: { code: number | null; reason: string | null };
}

/** Data of every event, by type. Times inside a call are milliseconds since the answer. */
export interface CallEventData {
  'call.queued': StatusData;
  'call.initiated': StatusData;
  'call.ringing': StatusData;
  'call.answered': StatusData;
  /** The line is free; the final status follows when costs are made. */
  'call.disconnected': StatusData;
  /** The status is final, whatever it is. */
  'call.status': StatusData;
  /** `final: false` is interim: live only, never stored. */
  'call.transcript': {
    speaker: 'caller' | 'agent';
    turn_id: string;
    text: string;
    final: boolean;
  };
  'call.turn': {
    id: string;
    speaker: 'caller' | 'agent';
    text: string;
    started_ms: number;
    ended_ms: number;
    interrupted: boolean;
    confidence: number | null;
    latency: Record<string, number> | null;
  };
  'call.dtmf': { digit: string; from: 'caller' | 'agent' };
  'call.interrupted': { turn_id: string; reaction_ms: number };
  /** Something that is wrong but does not end the call. */
  'call.warning': {
    code:
      | 'one-way-audio'
      | 'no-media'
      | 'provider-error'
      | 'agent-not-ready'
      | 'media-encryption'
      | 'provider-failed'
      | 'recording-failed'
      | 'guardrail'
      | 'caller-lookup';
    message: string;
  };
  /** The agent runs a tool. Arguments are masked. */
  'tool.called': ToolRunData;
  /** It has run. */
  'tool.finished': ToolRunData & {
    status: string;
    latency_ms: number;
    /** Why, where the status is not `ok`. */
    error: string | null;
  };
  /** The caller was, or was not, connected with somebody else. */
  'call.transferred': TransferData;
  /** Something the agent did, such as hanging up. */
  'call.note': { name: string; data: Record<string, unknown> };
}

export type CallEventType = keyof CallEventData;

/** An event before it has a place in its call's sequence. */
export type CallEventDraft = {
  [Type in CallEventType]: { type: Type; data: CallEventData[Type] };
}[CallEventType];

/** A fact about a call, as published. */
export type CallEvent = CallEventDraft & {
  workspaceId: string;
  callId: string;
  /** Grows by one per stored event of a call; null: live only. */
  sequence: number | null;
  /** Milliseconds since the Unix epoch. */
  atMs: number;
};
