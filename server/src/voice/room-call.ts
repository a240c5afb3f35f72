import type { AgentConfig } from '../agents/agent-config.ts';
import { RINGBACK, tone } from '../audio/tone.ts';
import { StereoWavWriter } from '../audio/wav-writer.ts';
import type { ProviderFailure } from '../providers/fallback/candidate-list.ts';
import type { ProviderSet } from '../providers/provider-set.ts';
import { FRAME_SAMPLES, type MediaEngine, type RtpStream } from '../rtp/media-engine.ts';
import type { NegotiatedAudio } from '../sdp/sdp.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { CallAgent, type AgentReport, type AgentTools } from './call-agent.ts';
import { MediaWatch } from './media-watch.ts';
import { oneWayAudio } from './one-way-audio.ts';
import type { LineRoom, RoomHub } from './room-hub.ts';
import type { HandedOverCall } from './voice-call.ts';
import type {
  CallReport,
  CallRoom,
  OpenCall,
  RoomAgent,
  RoomTap,
  SeatState,
  VoiceCallEvent,
} from './worker-protocol.ts';

export interface RoomCallOptions {
  call: OpenCall;
  room: CallRoom;
  hub: RoomHub;
  engine: MediaEngine;
  createProviders: (
    config: AgentConfig,
    secrets: Record<string, string>,
    guarded: boolean,
    onFailure: (failure: ProviderFailure) => void,
  ) => ProviderSet;
  clock: Clock;
  logger: Logger;
  emit: (event: VoiceCallEvent) => void;
  /** What its agents' tools reach out with. Default: they cannot. */
  tools?: AgentTools;
}

const NO_USAGE = { sttMs: 0, ttsCharacters: 0, llmInputTokens: 0, llmOutputTokens: 0 };

/**
 * One line of a room that others can come into: an RTP stream, with an agent that came for it or
 * without. Agents are heard by everybody in the room and may come and go while the call goes on.
 */
export class RoomCall {
  readonly #options: RoomCallOptions;
  readonly #stream: RtpStream;
  readonly #watch: MediaWatch;
  readonly #recorder: StereoWavWriter | null;
  readonly #past: AgentReport[] = [];
  #room: LineRoom;
  #leaveRoom: () => void;
  #agent: { part: CallAgent; leave: () => void } | null = null;
  #stopRingback: (() => void) | null = null;
  #answeredAtMs: number | null = null;
  #isHeard = false;
  #isHeld = false;
  #limit: TimerHandle | null = null;
  #report: Promise<CallReport> | undefined;

  /** Binds media and makes the agent ready, where one comes. Rejects with nothing left open. */
  static async open(options: RoomCallOptions): Promise<RoomCall> {
    const stream = await options.engine.open();
    let call: RoomCall | undefined;
    try {
      call = new RoomCall(options, stream);
      const { agent, variables, secrets, toolSecrets, silent } = options.call;
      if (silent !== true) await call.attachAgent({ agent, variables, secrets, toolSecrets });
      return call;
    } catch (error) {
      if (call === undefined) stream.close();
      else await call.close();
      throw error;
    }
  }

  /** A call that had a room of its own: it, and its agent, go on where others can come. */
  static adopt(options: RoomCallOptions, parts: HandedOverCall): RoomCall {
    const call = new RoomCall(options, parts.stream, parts);
    const { session } = parts.agent;
    const seated = { part: parts.agent, leave: () => undefined as void };
    call.#agent = seated;
    seated.leave = call.#seat(session);
    call.#isHeard = parts.isHeard;
    call.#isHeld = parts.isHeld;
    if (parts.answeredAtMs !== null) call.#goLive(parts.answeredAtMs);
    return call;
  }

  private constructor(options: RoomCallOptions, stream: RtpStream, parts?: HandedOverCall) {
    const { call, clock, emit } = options;
    this.#options = options;
    this.#stream = stream;
    this.#watch =
      parts?.watch ??
      new MediaWatch({
        clock,
        timeouts: call.mediaTimeouts,
        onTimeout: (phase) => emit({ type: 'media-timeout', phase }),
        onOneWay: (seconds, kind) => emit(oneWayAudio(stream, seconds, kind)),
      });
    const { recordingPath } = call;
    this.#recorder = parts
      ? parts.recorder
      : recordingPath === null
        ? null
        : new StereoWavWriter(recordingPath);
    this.#room = options.hub.lineRoom(options.room.id);
    this.#leaveRoom = this.#join();
    if (options.room.ringback) this.#startRingback();
    this.#wire();
  }

  get rtpPort(): number {
    return this.#stream.localPort;
  }

  /** The room that it is in now. */
  get roomId(): string {
    return this.#room.id;
  }

  get packetsSent(): number {
    return this.#stream.stats.packetsSent;
  }

  get packetsReceived(): number {
    return this.#stream.stats.packetsReceived;
  }

  /** The far end's media is known or has changed. */
  media(audio: NegotiatedAudio): void {
    if (this.#report !== undefined) return;
    const { remoteHost: host, remotePort: port, ...format } = audio;
    this.#stream.connect({ ...format, host, port });
    this.#isHeld = audio.direction !== 'sendrecv';
    this.#watch.setHeld(this.#isHeld);
    this.#agent?.part.session.setHeld(this.#isHeld);
  }

  /** The far end has answered at wall-clock time `atMs`: it hears and is heard. */
  answered(atMs: number): void {
    if (this.#report !== undefined || this.#answeredAtMs !== null) return;
    this.#stopRingback?.();
    this.#stopRingback = null;
    this.#goLive(atMs);
    this.#watch.answered();
    this.#agent?.part.session.answered(atMs);
  }

  /** Lets an agent into the room for this line; it speaks at once where the call was answered. */
  async attachAgent(coming: RoomAgent): Promise<void> {
    const { agent, variables, secrets, toolSecrets, guarded = false } = coming;
    if (this.#agent) throw new Error('an agent speaks in this call already');
    const { clock, emit, createProviders, logger } = this.#options;
    const part = new CallAgent({
      config: agent,
      variables,
      providers: createProviders(agent, secrets, guarded, (failure) =>
        emit({ type: 'provider-failed', ...failure }),
      ),
      clock,
      emit,
      // Who is sent for later comes to somebody who was found out about.
      isCalling: this.#options.call.direction === 'outbound' && this.#answeredAtMs === null,
      tools: this.#options.tools,
      toolSecrets,
      sendDtmf: (digits) => {
        this.sendDtmf(digits).catch((error: unknown) =>
          logger.warn({ err: error }, 'the agent could not press its keys'),
        );
      },
    });
    const { session } = part;
    const seated = { part, leave: () => undefined as void };
    this.#agent = seated;
    try {
      await session.prepare();
    } catch (error) {
      this.#letGo(seated);
      throw error;
    }
    // The call ended, or the agent was sent away, while it got ready.
    if (this.#report !== undefined || this.#agent !== seated) return;
    seated.leave = this.#seat(session);
    if (this.#isHeld) session.setHeld(true);
    if (this.#answeredAtMs !== null) session.answered(clock.now());
    if (this.#isHeard) session.firstPacket();
  }

  /** Stops the agent at once; the call goes on without it. Harmless where there is none. */
  dismissAgent(transferred = false): void {
    if (this.#agent) this.#letGo(this.#agent, transferred);
  }

  /**
   * Takes the line into another room from its next tick on; its stream goes on as it is. The agent
   * that came for it stays behind, which is to say that it stops. Resolves when recordings that end
   * with the line's leaving are complete.
   */
  async enterRoom(next: LineRoom, state: SeatState): Promise<void> {
    if (this.#report !== undefined) {
      await next.settle();
      return;
    }
    const left = this.#room;
    const isRinging = this.#stopRingback !== null;
    this.#stopRingback?.();
    if (this.#agent) this.#letGo(this.#agent);
    this.#leaveRoom();
    this.#room = next;
    this.#leaveRoom = this.#join();
    this.seat('caller', state);
    if (this.#answeredAtMs !== null) next.setLive(this.#id);
    if (isRinging) this.#startRingback();
    await left.settle();
  }

  /** Says who hears whom. */
  seat(who: 'caller' | 'agent', { muted, deaf, unheard }: SeatState): void {
    const id = who === 'caller' ? this.#id : `agent:${this.#id}`;
    this.#room.setSeat(id, { muted, deaf, unheard: new Set(unheard) });
  }

  startTap(tap: RoomTap): void {
    this.#options.hub.startTap(this.#room.id, tap);
  }

  stopTap(tapId: string): Promise<void> {
    return this.#options.hub.stopTap(this.#room.id, tapId);
  }

  /** Lets the agent say `text`; resolves when it was heard, or cannot be. */
  async finish(text: string | null): Promise<void> {
    await this.#agent?.part.session.finish(text);
  }

  /** A digit of the far end that the signalling tells of. */
  hearDigit(digit: string, durationMs: number): void {
    this.#stream.hearDigit(digit, durationMs);
  }

  async sendDtmf(digits: string): Promise<void> {
    await this.#stream.sendDtmf(digits);
    for (const digit of digits) this.#options.emit({ type: 'dtmf', digit, from: 'agent' });
  }

  /** Stops media at once and completes the recordings that end with this line. Idempotent. */
  close(): Promise<CallReport> {
    this.#report ??= this.#close();
    return this.#report;
  }

  get #id(): string {
    return this.#options.call.callId;
  }

  #join(): () => void {
    return this.#room.join({ id: this.#id, kind: 'sip', ownerId: null, speak: null, hear: null });
  }

  #seat(session: CallAgent['session']): () => void {
    return this.#room.join({
      id: `agent:${this.#id}`,
      kind: 'agent',
      ownerId: this.#id,
      speak: () => session.tick(),
      hear: (samples) => session.hear(samples),
    });
  }

  /** It hears and is heard, for as long as a call may last. */
  #goLive(answeredAtMs: number): void {
    this.#answeredAtMs = answeredAtMs;
    this.#room.setLive(this.#id);
    const { clock, call, emit } = this.#options;
    const leftMs = call.agent.max_duration_s * 1_000 - (clock.now() - answeredAtMs);
    this.#limit = clock.setTimer(Math.max(0, leftMs), () => {
      // An agent that is here says goodbye by itself.
      if (!this.#agent) emit({ type: 'end-requested', reason: 'max-duration' });
    });
  }

  #wire(): void {
    const stream = this.#stream;
    const { emit } = this.#options;
    stream.onTick = (played) => {
      const answered = this.#answeredAtMs !== null;
      const heard = this.#room.tick(this.#id, answered ? played : null);
      if (!answered) return null;
      this.#recorder?.write(played, heard);
      return heard;
    };
    stream.onAudio = (samples) => this.#room.arrive(this.#id, samples);
    stream.events.on('first-packet', () => {
      this.#isHeard = true;
      this.#watch.firstPacket();
      this.#agent?.part.session.firstPacket();
    });
    stream.events.on('dtmf', ({ digit }) => {
      if (this.#agent) this.#agent.part.session.dtmf(digit);
      else emit({ type: 'dtmf', digit, from: 'caller' });
    });
    stream.events.on('gap', ({ gapMs }) => this.#watch.gap(gapMs));
    stream.events.on('silent', ({ silentMs }) => this.#watch.silent(silentMs));
    stream.events.on('resumed', () => this.#watch.resumed());
  }

  /** The others hear that somebody is being called. */
  #startRingback(): void {
    const plan = tone(RINGBACK);
    const silence = new Int16Array(FRAME_SAMPLES);
    let at = 0;
    this.#stopRingback = this.#room.join({
      id: `ringback:${this.#id}`,
      kind: 'agent',
      ownerId: this.#id,
      speak: () => {
        const frame = plan.subarray(at, at + FRAME_SAMPLES);
        at = (at + FRAME_SAMPLES) % plan.length;
        return frame.length === FRAME_SAMPLES ? frame : silence;
      },
      hear: null,
    });
  }

  #letGo(seated: { part: CallAgent; leave: () => void }, transferred = false): void {
    seated.leave();
    seated.part.session.close(transferred);
    if (this.#agent === seated) this.#agent = null;
    this.#past.push(seated.part.report());
  }

  async #close(): Promise<CallReport> {
    const { call, emit } = this.#options;
    this.#limit?.cancel();
    this.#watch.close();
    this.#stopRingback?.();
    if (this.#agent) this.#letGo(this.#agent);
    this.#stream.close();
    this.#leaveRoom();
    await this.#room.settle();
    const recorder = this.#recorder;
    await recorder?.close();
    if (recorder?.error) {
      const message = `the recording ends after ${Math.round(recorder.writtenMs / 1_000)} s`;
      emit({ type: 'recording-failed', message });
    }
    const recordedMs = recorder?.writtenMs ?? 0;
    return {
      turns: this.#past.flatMap(({ turns }) => turns),
      outcome: Object.assign(
        {},
        ...this.#past.map(({ outcome }) => outcome),
      ) as CallReport['outcome'],
      recordingPath: recordedMs > 0 ? call.recordingPath : null,
      recordingDurationMs: recordedMs,
      firstAgentAudioAtMs:
        this.#past.find(({ firstAgentAudioAtMs }) => firstAgentAudioAtMs !== null)
          ?.firstAgentAudioAtMs ?? null,
      media: { ...this.#stream.stats },
      usage: this.#past.reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE),
    };
  }
}

function addUsage(a: CallReport['usage'], b: CallReport['usage']): CallReport['usage'] {
  return {
    sttMs: a.sttMs + b.sttMs,
    ttsCharacters: a.ttsCharacters + b.ttsCharacters,
    llmInputTokens: a.llmInputTokens + b.llmInputTokens,
    llmOutputTokens: a.llmOutputTokens + b.llmOutputTokens,
  };
}
