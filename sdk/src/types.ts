/** Shapes of the API that the client hands out; names are the API's own. */

export type CallStatus =
  | 'scheduled'
  | 'queued'
  | 'rescheduled'
  | 'initiated'
  | 'ringing'
  | 'in-progress'
  | 'call-disconnected'
  | 'completed'
  | 'no-answer'
  | 'busy'
  | 'failed'
  | 'canceled'
  | 'stopped'
  | 'error'
  | 'balance-low';

export const FINAL_STATUSES: ReadonlySet<CallStatus> = new Set([
  'completed',
  'no-answer',
  'busy',
  'failed',
  'canceled',
  'stopped',
  'error',
  'balance-low',
]);

export interface TurnLatency {
  total_ms: number;
  endpointing_ms: number;
  stt_ms: number;
  llm_ms: number;
  tts_ms: number;
}

export interface Turn {
  id: string;
  speaker: 'caller' | 'agent';
  text: string;
  started_ms: number;
  ended_ms: number;
  interrupted: boolean;
  confidence: number | null;
  latency: TurnLatency | null;
  /** What happened when, milliseconds since the answer. */
  evidence?: Record<string, unknown> | null;
}

/** A tool that the agent ran. */
export interface ToolRun {
  id: string;
  name: string;
  kind: string;
  /** Masked. */
  arguments: unknown;
  status:
    'ok' | 'failed' | 'timeout' | 'refused' | 'invalid-arguments' | 'interrupted' | 'canceled';
  started_ms: number;
  latency_ms: number;
  error: string | null;
}

/** One INVITE of a call. */
export interface CallAttempt {
  gateway: string;
  sip_call_id: string;
  sip: { code: number | null; reason: string | null };
  started_at: string;
  ended_at: string | null;
}

export interface CostLine {
  kind: 'platform' | 'network' | 'transcriber' | 'model' | 'synthesizer';
  provider: string | null;
  micros: number;
}

export interface Call {
  id: string;
  direction: 'outbound' | 'inbound';
  status: CallStatus;
  end_reason: string | null;
  ended_by: 'caller' | 'callee' | 'agent' | 'api' | 'system' | 'carrier' | null;
  answered_by: string | null;
  /** How that is known and what was done about it; not in lists. */
  answering?: Record<string, unknown> | null;
  /** Over all answers of the agent; not in lists. */
  turn_latency?: { turns: number; p50_ms: number; p95_ms: number } | null;
  sip: { code: number | null; reason: string | null };
  from: string;
  to: string;
  agent_id: string | null;
  trunk_id: string | null;
  variables: Record<string, unknown>;
  /** Yours; kept and shown. */
  metadata: Record<string, string>;
  /** 1, 2, ... over a call and its retries. */
  attempt: number;
  /** The call that this one tries again. */
  retry_of: string | null;
  /** Whether and when the person is called again; null: never. */
  retry: Record<string, unknown> | null;
  /** The rule that refused it. */
  guardrail: string | null;
  /** What a queued call waits for, such as `trunk:trunk_...`. */
  waiting_for: string | null;
  max_duration_s: number | null;
  ring_timeout_s: number | null;
  timestamps: Record<
    | 'created_at'
    | 'scheduled_at'
    | 'queued_at'
    | 'initiated_at'
    | 'ringing_at'
    | 'answered_at'
    | 'first_agent_audio_at'
    | 'disconnected_at'
    | 'ended_at',
    string | null
  >;
  duration_ms: number | null;
  transcript: string | null;
  turns: Turn[];
  /** What the agent did besides speaking. */
  tool_runs: ToolRun[];
  attempts: CallAttempt[];
  outcome: Record<string, unknown>;
  /** This and what follows is null until the status is final. */
  summary: string | null;
  extracted_data: Record<string, unknown> | null;
  /** How summary and data were made. */
  analysis: {
    by: 'llm' | 'rules' | null;
    model: string | null;
    attempts: number;
    input_tokens: number;
    output_tokens: number;
    valid: boolean | null;
    problems: string[];
    evidence: Record<string, string>;
    llm_error: string | null;
  } | null;
  /** A signed link that needs no key and ends. */
  recording_url: string | null;
  recording_duration_ms: number | null;
  /** How the audio was, each way; null until the line is closed, and without audio. */
  quality: CallQuality | null;
  cost: { total_micros: number; lines: CostLine[] } | null;
}

/** How one direction of a call's audio arrived. */
export interface AudioQuality {
  packets: number;
  lost: number | null;
  loss_percent: number | null;
  jitter_ms: number | null;
  /** Estimated, mouth to ear. */
  delay_ms: number | null;
  /** Mean opinion score from 1 to 4.5, estimated by the E-model (ITU-T G.107). */
  mos: number | null;
}

export interface CallQuality {
  codec: string | null;
  /** Suite of SRTP; null: not encrypted. */
  encryption: string | null;
  round_trip_ms: number | null;
  received: (AudioQuality & { late: number; duplicate: number }) | null;
  sent: AudioQuality | null;
}

/** A call in a list. */
export type CallSummary = Omit<Call, 'quality' | 'turns' | 'transcript' | 'attempts' | 'tool_runs'>;

export interface CallEvent {
  /** Grows by one within a call; null for live-only events such as interim transcripts. */
  sequence: number | null;
  call_id: string;
  type: string;
  at: string;
  data: Record<string, unknown>;
}

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface PlaceCall {
  to: string;
  from?: string;
  agent_id?: string;
  variables?: Record<string, string>;
  /** ISO 8601; default: at once. */
  scheduled_at?: string;
}

export interface Gateway {
  host: string;
  port: number;
  transport: 'udp' | 'tcp' | 'tls';
  /** How its host name is looked up (RFC 3263). */
  lookup: 'address' | 'srv' | 'naptr';
}

/** A trunk, as far as clients of every day look at it. */
export interface Trunk {
  id: string;
  name: string;
  active: boolean;
  gateways: Gateway[];
  [field: string]: unknown;
}

export interface SipAnswer {
  code: number | null;
  reason: string | null;
}

export interface TrunkHealth {
  registration: {
    state: 'registering' | 'registered' | 'waiting' | 'rejected' | 'stopped';
    sip: SipAnswer;
    expires_at: string | null;
    changed_at: string;
  } | null;
  gateways: {
    gateway: string;
    state: 'up' | 'degraded' | 'down';
    sip: SipAnswer;
    round_trip_ms: number | null;
    misses: number;
    checked_at: string;
  }[];
}

export interface Finding {
  code: string;
  confidence: 'certain' | 'likely' | 'possible';
  title: string;
  evidence: string[];
  fix: string;
}

export interface Diagnosis {
  trunk_id: string;
  call_id: string | null;
  gateways: {
    gateway: string;
    status: number | null;
    reason: string | null;
    round_trip_ms: number | null;
    error: string | null;
  }[];
  findings: Finding[];
}

export interface SipLadder {
  messages: {
    at: string;
    direction: 'sent' | 'received';
    /** `host:port`; null: not known. */
    from: string | null;
    to: string | null;
    /** The far end of the wire. */
    peer: string;
    transport: string;
    summary: string;
    text: string;
  }[];
}
