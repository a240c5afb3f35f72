import { NO_RTP_STATS } from '../../rtp/no-rtp-stats.ts';
import type { NegotiatedAudio } from '../../sdp/sdp.ts';
import type { AskHost } from '../../voice/agent-request.ts';
import type { VoiceCallHandle } from '../../voice/voice-pool.ts';
import type {
  CallReport,
  OpenCall,
  RoomAgent,
  RoomTap,
  SeatState,
  VoiceCallEvent,
} from '../../voice/worker-protocol.ts';

/** A call without audio, told by a test what happens in it. */
export class FakeVoiceCall implements VoiceCallHandle {
  readonly callId: string;
  readonly rtpPort: number;
  readonly opened: OpenCall;
  readonly audio: NegotiatedAudio[] = [];
  readonly said: (string | null)[] = [];
  readonly emit: (event: VoiceCallEvent) => void;
  /** What its agent asks of those who have the call. */
  ask: AskHost = () => Promise.reject(new Error('nobody is asked'));
  answeredAtMs: number | null = null;
  closedCount = 0;
  readonly seats: { who: 'caller' | 'agent'; state: SeatState }[] = [];
  readonly agents: RoomAgent[] = [];
  /** Keys of the far end that the signalling told of. */
  readonly digits: string[] = [];
  dismissedCount = 0;
  roomId: string | null;
  /** The rooms that it was taken into, and as what. */
  readonly entered: { roomId: string; state: SeatState }[] = [];
  taps: RoomTap[] = [];
  report: CallReport;
  readonly #onAnswered: ((call: FakeVoiceCall) => void) | undefined;

  constructor(
    opened: OpenCall,
    rtpPort: number,
    emit: (event: VoiceCallEvent) => void,
    onAnswered: ((call: FakeVoiceCall) => void) | undefined,
  ) {
    this.callId = opened.callId;
    this.opened = opened;
    this.roomId = opened.room?.id ?? null;
    this.rtpPort = rtpPort;
    this.emit = emit;
    this.#onAnswered = onAnswered;
    this.report = emptyReport();
  }

  media(audio: NegotiatedAudio): void {
    this.audio.push(audio);
  }

  answered(atMs: number): void {
    this.answeredAtMs = atMs;
    this.#onAnswered?.(this);
  }

  finish(text: string | null): Promise<void> {
    this.said.push(text);
    return Promise.resolve();
  }

  sendDtmf(): Promise<void> {
    return Promise.resolve();
  }

  hearDigit(digit: string): void {
    this.digits.push(digit);
  }

  seat(who: 'caller' | 'agent', state: SeatState): void {
    this.seats.push({ who, state });
  }

  enterRoom(roomId: string, state: SeatState): Promise<void> {
    this.entered.push({ roomId, state });
    this.roomId = roomId;
    return Promise.resolve();
  }

  shareRoom(roomId: string): Promise<void> {
    this.roomId = roomId;
    return Promise.resolve();
  }

  attachAgent(agent: RoomAgent): Promise<void> {
    this.agents.push(agent);
    return Promise.resolve();
  }

  dismissAgent(_transferred?: boolean): Promise<void> {
    this.dismissedCount++;
    return Promise.resolve();
  }

  startTap(tap: RoomTap): Promise<void> {
    this.taps.push(tap);
    return Promise.resolve();
  }

  stopTap(tapId: string): Promise<void> {
    this.taps = this.taps.filter(({ id }) => id !== tapId);
    return Promise.resolve();
  }

  close(): Promise<CallReport> {
    this.closedCount++;
    return Promise.resolve(this.report);
  }
}

/** Stands in for the voice workers. */
export class FakeVoicePool {
  readonly calls: FakeVoiceCall[] = [];
  /** What `open` waits for, and may reject with. Default: nothing. */
  beforeOpen: (call: OpenCall) => Promise<void> = () => Promise.resolve();
  /** Runs when the far end of a call has answered. */
  onAnswered: (call: FakeVoiceCall) => void = () => undefined;
  #nextPort = 30_000;

  async open(
    call: OpenCall,
    onEvent: (event: VoiceCallEvent) => void,
    onRequest?: AskHost,
  ): Promise<VoiceCallHandle> {
    await this.beforeOpen(call);
    const opened = new FakeVoiceCall(call, (this.#nextPort += 2), onEvent, (answered) =>
      this.onAnswered(answered),
    );
    if (onRequest) opened.ask = onRequest;
    this.calls.push(opened);
    return opened;
  }
}

function emptyReport(): CallReport {
  return {
    turns: [],
    outcome: {},
    recordingPath: null,
    recordingDurationMs: 0,
    firstAgentAudioAtMs: null,
    media: { ...NO_RTP_STATS },
    usage: { sttMs: 0, ttsCharacters: 0, llmInputTokens: 0, llmOutputTokens: 0 },
  };
}
