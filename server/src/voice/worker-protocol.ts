import type { MessagePort } from 'node:worker_threads';
import type { AgentConfig } from '../agents/agent-config.ts';
import type { ProviderFailure } from '../providers/fallback/candidate-list.ts';
import type { LocalAudio, NegotiatedAudio } from '../sdp/sdp.ts';
import type { RtpStreamStats } from '../rtp/media-engine.ts';
import type { OneWayKind } from './media-watch.ts';
import type { ToolStatus } from '../agents/tools/call-tool.ts';
import type { AnsweringReport } from './answered/answering-report.ts';
import type { AgentAnswer, AgentRequest } from './agent-request.ts';

/** Everything a voice worker needs to know to run one call. Sent before anything is dialled. */
export interface OpenCall {
  callId: string;
  direction: 'inbound' | 'outbound';
  agent: AgentConfig;
  /** Rendered into prompt, greeting and script. */
  variables: Record<string, string>;
  /** Provider keys in clear, by provider name; live in memory only. */
  secrets: Record<string, string>;
  /** The agent's own, in clear, by name: what its tools may name. Default: none. */
  toolSecrets?: Record<string, string> | undefined;
  /** Whether the agent's own endpoint may be at public addresses only. Default false. */
  guarded?: boolean | undefined;
  /** Absolute path of the WAV to be written; null: no recording. */
  recordingPath: string | null;
  mediaTimeouts: { firstPacketMs: number; lostMs: number; holdMs: number };
  /** A room that others can come into. Default: one of the call's own. */
  room?: CallRoom | undefined;
  /** No agent speaks: the call is a leg of its room and nothing else. Default false. */
  silent?: boolean | undefined;
}

/** The room that a call is in. */
export interface CallRoom {
  id: string;
  /** Whether the others hear ringing until it is answered. */
  ringback: boolean;
}

/** An agent that comes into a call that is there already. */
export type RoomAgent = Pick<
  OpenCall,
  'agent' | 'variables' | 'secrets' | 'toolSecrets' | 'guarded'
>;

/** A recording of a room, beside those of its calls. */
export interface RoomTap {
  id: string;
  /** Absolute path of the WAV to be written. */
  path: string;
  /** `mono`: everybody on both channels; `agent-right`: people left, agents right. */
  channels: 'mono' | 'agent-right';
  /** One participant only, by its id in the room; null: everybody. */
  of: string | null;
}

/** Who hears whom, as far as it is not everybody everybody. */
export interface SeatState {
  /** Nobody hears it. */
  muted: boolean;
  /** It hears nobody. */
  deaf: boolean;
  /** Those whom it does not hear, by their ids in the room. */
  unheard: readonly string[];
}

/** Media is bound and the agent can speak. */
export interface CallReady {
  rtpPort: number;
}

export interface TurnRecord {
  id: string;
  speaker: 'caller' | 'agent';
  /** Agent: what was played out, cut where playout stopped. Caller: the final transcript. */
  text: string;
  /** Milliseconds since the answer. */
  startedMs: number;
  endedMs: number;
  /** Agent turns: words were cut off, by the caller who took the floor or by the end of the call. */
  interrupted: boolean;
  /** Caller turns: the recogniser's. */
  confidence: number | null;
  /** Agent turns that answer the caller. */
  latency: TurnLatency | null;
  /** When what happened; as it is stored. */
  evidence?: TurnEvidence | null;
}

/** What happened when in a turn, as far as it did. Milliseconds since the answer. */
export interface TurnEvidence {
  /** Caller turns: the last speech that was heard. */
  speechEndedMs?: number;
  /** Its words were known. */
  sttFinalMs?: number;
  /** The turn was taken to be over. */
  endpointMs?: number;
  /** Why then: how the words end, and the silence that such an end asks for. */
  endpointReason?: string;
  endpointSilenceMs?: number;
  /** Agent turns: the first sentence or clause of the reply was there. */
  llmFirstTextMs?: number;
  /** The first audio of its first sentence was there. */
  ttsFirstAudioMs?: number;
  /** A filler was heard before the reply. */
  fillerMs?: number;
  /** The first frame of the reply left. */
  firstAudioMs?: number;
  /** Where the caller took the floor: the last word that was heard. */
  interruptedAt?: { ms: number; word: string; wordIndex: number };
}

/** From the end of the caller's speech to the first audio of the answer. Milliseconds. */
export interface TurnLatency {
  /** End of speech to first agent packet. */
  totalMs: number;
  /** Of these: waited to be sure that the caller had finished. */
  endpointingMs: number;
  sttMs: number;
  /** Until the first words of the reply. */
  llmMs: number;
  /** Until the first audio of the first sentence. */
  ttsMs: number;
}

/** What is left when a call's media is closed. */
export interface CallReport {
  turns: TurnRecord[];
  outcome: Record<string, unknown>;
  recordingPath: string | null;
  recordingDurationMs: number;
  firstAgentAudioAtMs: number | null;
  media: RtpStreamStats;
  /** Milliseconds of speech recognised and characters synthesised, tokens used: what costs are made of. */
  usage: { sttMs: number; ttsCharacters: number; llmInputTokens: number; llmOutputTokens: number };
}

/** Served by the voice worker. */
export type VoiceWorkerProcedures = {
  /** Binds RTP, loads the agent, synthesises the greeting. Rejects when the agent cannot be made ready. */
  open: (args: OpenCall) => Promise<CallReady>;
  /** The far end's media is known (early media, answer, re-INVITE). */
  media: (args: { callId: string; audio: NegotiatedAudio }) => void;
  /** The far end has answered: the agent may speak. `atMs`: wall clock of the answer. */
  answered: (args: { callId: string; atMs: number }) => void;
  /** The agent says goodbye (when `sayGoodbye`) and `playedOut` is resolved when it has been heard. */
  finish: (args: { callId: string; text: string | null }) => Promise<void>;
  sendDtmf: (args: { callId: string; digits: string }) => Promise<void>;
  /** A digit of the far end that came by SIP INFO. */
  hearDigit: (args: { callId: string; digit: string; durationMs: number }) => void;
  /** Says who hears whom in the call's room. */
  seat: (args: { callId: string; who: 'caller' | 'agent'; state: SeatState }) => void;
  /**
   * Takes the call into another room. `host`: to the worker that mixes that room; null: this one
   * does. Resolves when recordings that end with its leaving are complete.
   */
  enterRoom: (args: {
    callId: string;
    roomId: string;
    state: SeatState;
    host: MessagePort | null;
  }) => Promise<void>;
  /** Lets a call that has a room of its own, and its agent, go on in one that others can come into. */
  shareRoom: (args: { callId: string; roomId: string }) => void;
  /** Gives the line of another worker's call a seat in a room that is mixed here. */
  hostGuest: (args: { callId: string; roomId: string; guest: MessagePort }) => void;
  /** Lets an agent into the call's room. Rejects when it cannot be made ready. */
  attachAgent: (args: { callId: string } & RoomAgent) => Promise<void>;
  /** `transferred`: because the caller talks with somebody else from now on. */
  dismissAgent: (args: { callId: string; transferred: boolean }) => void;
  startTap: (args: { callId: string; tap: RoomTap }) => void;
  stopTap: (args: { callId: string; tapId: string }) => Promise<void>;
  /** Stops media at once and closes the recording. */
  close: (args: { callId: string }) => Promise<CallReport>;
  stats: (args: Record<string, never>) => VoiceWorkerStats;
};

export interface VoiceWorkerStats {
  calls: number;
  rtpGarbageReceived: number;
  tickLateness: { p50Ms: number; p99Ms: number; maxMs: number };
  packetsSent: number;
  packetsReceived: number;
}

/** A tool that the agent ran. Nothing in it is secret. */
export interface ToolRunRecord {
  id: string;
  name: string;
  /** Its type in the agent's configuration. */
  kind: string;
  /** Masked. */
  arguments: unknown;
  /** Since the answer. */
  startedMs: number;
}

export type VoiceCallEvent =
  /** The agent wants the call to end; everything that it said has been played out. */
  | { type: 'end-requested'; reason: string }
  /** `first-packet` not in time, or packets stopped. */
  | { type: 'media-timeout'; phase: 'first-packet' | 'lost' | 'hold' }
  | {
      type: 'one-way-audio';
      seconds: number;
      kind: OneWayKind;
      /** Where its audio comes from and goes to, `host:port`; null: nowhere yet. */
      remote: string | null;
      localPort: number;
      /** Whether it was sent anything at all. */
      isHeardThere: boolean;
    }
  | { type: 'first-agent-audio'; atMs: number }
  | {
      type: 'transcript';
      speaker: 'caller' | 'agent';
      turnId: string;
      text: string;
      final: boolean;
    }
  | { type: 'turn'; turn: TurnRecord }
  /** Who answered, or more of what was done about it. The last one counts. */
  | { type: 'answered-by'; report: AnsweringReport }
  | { type: 'interrupted'; turnId: string; reactionMs: number }
  | { type: 'dtmf'; digit: string; from: 'caller' | 'agent' }
  /** The disk takes no more of the recording; what is on it is kept. Once a call. */
  | { type: 'recording-failed'; message: string }
  | { type: 'note'; name: string; data: Record<string, unknown> }
  | { type: 'tool-called'; run: ToolRunRecord }
  | {
      type: 'tool-finished';
      run: ToolRunRecord;
      status: ToolStatus;
      latencyMs: number;
      error: string | null;
    }
  /** A provider died and the next of the agent's fallbacks answers for the rest of the call. */
  | ({ type: 'provider-failed' } & ProviderFailure)
  /** A provider failed in mid-call; the agent apologises and, when it cannot go on, requests the end. */
  | { type: 'provider-error'; provider: string; message: string };

/** Served by the main thread. */
export type VoiceHostProcedures = {
  event: (args: { callId: string; event: VoiceCallEvent }) => void;
  /** Does what an agent cannot do by itself. */
  ask: (args: { callId: string; request: AgentRequest }) => Promise<AgentAnswer>;
};

export type { LocalAudio };
