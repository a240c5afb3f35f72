import { StereoWavWriter } from '../audio/wav-writer.ts';
import type { ProviderSet } from '../providers/provider-set.ts';
import { Room, type Participant } from '../rooms/room.ts';
import type { MediaEngine, RtpStream } from '../rtp/media-engine.ts';
import type { NegotiatedAudio } from '../sdp/sdp.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { CallAgent, type AgentTools } from './call-agent.ts';
import { MediaWatch } from './media-watch.ts';
import { oneWayAudio } from './one-way-audio.ts';
import type { CallReport, OpenCall, VoiceCallEvent } from './worker-protocol.ts';

export interface VoiceCallOptions {
  call: OpenCall;
  engine: MediaEngine;
  providers: ProviderSet;
  clock: Clock;
  logger: Logger;
  emit: (event: VoiceCallEvent) => void;
  /** What its agent's tools reach out with. Default: they cannot. */
  tools?: AgentTools;
}

/** A call with everything that is under way in it. */
export interface HandedOverCall {
  call: OpenCall;
  stream: RtpStream;
  agent: CallAgent;
  watch: MediaWatch;
  recorder: StereoWavWriter | null;
  /** Wall clock; null: not answered yet. */
  answeredAtMs: number | null;
  isHeard: boolean;
  isHeld: boolean;
}

/** One call of a voice worker: an RTP stream and an agent in a room, with the recorder beside them. */
export class VoiceCall {
  readonly #options: VoiceCallOptions;
  readonly #stream: RtpStream;
  readonly #agent: CallAgent;
  readonly #watch: MediaWatch;
  readonly #recorder: StereoWavWriter | null;
  #answeredAtMs: number | null = null;
  #isHeard = false;
  #isHeld = false;
  readonly #unwire: (() => void)[] = [];
  #recordingFailed = false;
  #report: Promise<CallReport> | undefined;

  /** Binds media and makes the agent ready. Rejects, with nothing left open, when it cannot be. */
  static async open(options: VoiceCallOptions): Promise<VoiceCall> {
    const stream = await options.engine.open();
    let call: VoiceCall | undefined;
    try {
      call = new VoiceCall(options, stream);
      await call.#agent.session.prepare();
      return call;
    } catch (error) {
      if (call === undefined) stream.close();
      else await call.close();
      throw error;
    }
  }

  private constructor(options: VoiceCallOptions, stream: RtpStream) {
    const { call, clock, emit, logger, providers } = options;
    this.#options = options;
    this.#stream = stream;
    this.#agent = new CallAgent({
      config: call.agent,
      variables: call.variables,
      providers,
      clock,
      emit,
      tools: options.tools,
      toolSecrets: call.toolSecrets,
      isCalling: call.direction === 'outbound',
      sendDtmf: (digits) => {
        this.sendDtmf(digits).catch((error: unknown) =>
          logger.warn({ err: error }, 'the agent could not press its keys'),
        );
      },
    });
    this.#watch = new MediaWatch({
      clock,
      timeouts: call.mediaTimeouts,
      onTimeout: (phase) => emit({ type: 'media-timeout', phase }),
      onOneWay: (seconds, kind) => emit(oneWayAudio(stream, seconds, kind)),
    });
    this.#recorder = call.recordingPath === null ? null : new StereoWavWriter(call.recordingPath);
    this.#wire();
  }

  get rtpPort(): number {
    return this.#stream.localPort;
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
    this.#stream.connect({
      host: audio.remoteHost,
      port: audio.remotePort,
      codec: audio.codec,
      payloadType: audio.payloadType,
      dtmfPayloadType: audio.dtmfPayloadType,
      direction: audio.direction,
      srtp: audio.srtp,
      symmetric: audio.symmetric,
      rtcpMux: audio.rtcpMux,
    });
    this.#isHeld = audio.direction !== 'sendrecv';
    this.#watch.setHeld(this.#isHeld);
    this.#agent.session.setHeld(this.#isHeld);
  }

  /** The far end has answered at wall-clock time `atMs`. */
  answered(atMs: number): void {
    if (this.#report !== undefined) return;
    this.#answeredAtMs ??= atMs;
    this.#watch.answered();
    this.#agent.session.answered(atMs);
  }

  /** Says `text` (null: nothing); resolves when it was heard, or cannot be any more. */
  finish(text: string | null): Promise<void> {
    return this.#agent.session.finish(text);
  }

  /** A digit of the far end that the signalling tells of. */
  hearDigit(digit: string, durationMs: number): void {
    this.#stream.hearDigit(digit, durationMs);
  }

  /** Stops the agent at once; the line goes on. `transferred`: the caller talks with somebody else. */
  dismissAgent(transferred = false): void {
    this.#agent.session.close(transferred);
  }

  async sendDtmf(digits: string): Promise<void> {
    await this.#stream.sendDtmf(digits);
    for (const digit of digits) this.#options.emit({ type: 'dtmf', digit, from: 'agent' });
  }

  /** Gives everything away as it is, for a room that others can come into; nothing is left here. */
  handOver(): HandedOverCall {
    for (const off of this.#unwire.splice(0)) off();
    this.#stream.onTick = () => null;
    this.#stream.onAudio = () => undefined;
    return {
      call: this.#options.call,
      stream: this.#stream,
      agent: this.#agent,
      watch: this.#watch,
      recorder: this.#recorder,
      answeredAtMs: this.#answeredAtMs,
      isHeard: this.#isHeard,
      isHeld: this.#isHeld,
    };
  }

  /** Stops media at once and completes the recording. Idempotent. */
  close(): Promise<CallReport> {
    this.#report ??= this.#close();
    return this.#report;
  }

  #wire(): void {
    const stream = this.#stream;
    const session = this.#agent.session;
    const room = new Room();
    const farEnd: Participant = {
      id: 'far-end',
      kind: 'sip',
      speak: null,
      listen: null,
      hearOnArrival: null,
    };
    room.join(farEnd);
    room.join({
      id: 'agent',
      kind: 'agent',
      speak: () => session.tick(),
      listen: null,
      hearOnArrival: (samples) => session.hear(samples),
    });
    stream.onTick = (played) => room.tick(farEnd, played);
    stream.onAudio = (samples) => room.arrive(farEnd, samples);
    const recorder = this.#recorder;
    if (recorder !== null) {
      room.tap = (left, right) => {
        // What was heard before the answer is no part of the conversation.
        if (this.#answeredAtMs !== null) recorder.write(left, right);
        this.#tellFailure(recorder);
      };
    }
    this.#unwire.push(
      stream.events.on('first-packet', () => {
        this.#isHeard = true;
        this.#watch.firstPacket();
        session.firstPacket();
      }),
      stream.events.on('dtmf', ({ digit }) => session.dtmf(digit)),
      stream.events.on('gap', ({ gapMs }) => this.#watch.gap(gapMs)),
      stream.events.on('silent', ({ silentMs }) => this.#watch.silent(silentMs)),
      stream.events.on('resumed', () => this.#watch.resumed()),
    );
  }

  /** Once: the call goes on without the rest of its recording. */
  #tellFailure({ error, writtenMs }: StereoWavWriter): void {
    if (error === null || this.#recordingFailed) return;
    this.#recordingFailed = true;
    this.#options.logger.error({ err: error }, 'the recording is not complete');
    const { code } = error as NodeJS.ErrnoException;
    const message = `the recording ends after ${Math.round(writtenMs / 1_000)} s: ${code ?? 'the disk failed'}`;
    this.#options.emit({ type: 'recording-failed', message });
  }

  async #close(): Promise<CallReport> {
    this.#watch.close();
    this.#agent.session.close();
    this.#stream.close();
    const recorder = this.#recorder;
    await recorder?.close();
    if (recorder !== null) this.#tellFailure(recorder);
    // Nothing was written of a call that was never answered.
    const recordedMs = recorder?.writtenMs ?? 0;
    return {
      ...this.#agent.report(),
      recordingPath: recordedMs > 0 ? this.#options.call.recordingPath : null,
      recordingDurationMs: recordedMs,
      media: { ...this.#stream.stats },
    };
  }
}
