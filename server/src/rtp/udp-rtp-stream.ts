import { randomBytes } from 'node:crypto';
import type { RemoteInfo, Socket } from 'node:dgram';
import { CODECS } from '../sdp/codecs.ts';
import type { SrtpParameters } from '../sdp/sdp.ts';
import type { Clock } from '../shared/clock.ts';
import { TypedEvents } from '../shared/events.ts';
import { DigitSources, type DigitSource } from './digit-sources.ts';
import { DtmfError } from './dtmf.ts';
import { Latch, type Address } from './latch.ts';
import type { RtpRemote, RtpStream, RtpStreamEvents, RtpStreamStats } from './media-engine.ts';
import { NO_RTP_STATS } from './no-rtp-stats.ts';
import type { SocketPair } from './port-pool.ts';
import {
  looksLikeRtcp,
  parseRtcp,
  roundTripMs,
  writeGoodbye,
  writeReport,
  type ReceptionReport,
} from './rtcp.ts';
import { RtpReceiver } from './rtp-receiver.ts';
import { RtpSender, type SendFormat } from './rtp-sender.ts';
import { SrtpSession } from './srtp.ts';

const GAP_STEP_MS = 1_000;
/** RFC 3550 §6.2: a report every 5 s. */
const RTCP_INTERVAL_TICKS = 250;
const MAX_PORT = 65_535;
const DELAY_UNITS_PER_MS = 65.536;

export interface UdpRtpStreamOptions {
  sockets: SocketPair;
  clock: Clock;
  /** Told of an event's listener, or of onTick or onAudio, that threw. */
  onListenerError: (event: string, error: unknown) => void;
  onClose: () => void;
  /** The sockets are not needed any more. */
  onRelease: () => void;
}

/** One stream on a pair of sockets. */
export class UdpRtpStream implements RtpStream {
  readonly localPort: number;
  readonly events: TypedEvents<RtpStreamEvents>;
  readonly stats: RtpStreamStats = { ...NO_RTP_STATS };
  onTick: RtpStream['onTick'] = null;
  onAudio: RtpStream['onAudio'] = null;

  readonly #options: UdpRtpStreamOptions;
  readonly #clock: Clock;
  readonly #receiver: RtpReceiver;
  readonly #sender = new RtpSender();
  readonly #latch = new Latch();
  readonly #digits = new DigitSources();
  /** RFC 7022 §4.2: random, the same for the stream's life. */
  readonly #cname = randomBytes(12).toString('base64');
  /** Null until `connect`. */
  #format: SendFormat | null = null;
  #sharesPort = false;
  #srtp: { parameters: SrtpParameters; session: SrtpSession } | null = null;
  readonly #failedListeners = new Set<string>();
  #ticks = 0;
  #reportedPackets = 0;
  #senderReport: { ntpMiddle: number; cameMs: number } | null = null;
  #reportedGapMs = 0;
  #closed = false;

  constructor(options: UdpRtpStreamOptions) {
    this.#options = options;
    this.#clock = options.clock;
    const { rtp, rtcp, port } = options.sockets;
    this.localPort = port;
    this.events = new TypedEvents<RtpStreamEvents>(options.onListenerError);
    this.#receiver = new RtpReceiver(
      {
        audio: (samples) => this.#guard('onAudio', () => this.onAudio?.(samples)),
        digit: (digit, durationMs) => this.#digit(digit, durationMs, 'media'),
        silent: (silentMs) => this.events.emit('silent', { silentMs }),
      },
      this.stats,
    );
    rtp.on('message', (bytes, from) => this.#receive(bytes, from));
    rtcp.on('message', (bytes, from) => this.#receiveReport(bytes, from));
    // An ICMP "port unreachable" is an error of the socket; the far end may open the port later.
    rtp.on('error', ignoreNetworkError);
    rtcp.on('error', ignoreNetworkError);
  }

  get remote(): string | null {
    const { target } = this.#latch;
    if (!target) return null;
    return target.host.includes(':')
      ? `[${target.host}]:${target.port}`
      : `${target.host}:${target.port}`;
  }

  connect(remote: RtpRemote): void {
    if (this.#closed) return;
    this.#latch.signal(remote, this.#clock.monotonicMs(), remote.symmetric ?? true);
    const { codec, payloadType, dtmfPayloadType, direction } = remote;
    this.#secure(remote.srtp ?? null);
    this.#sharesPort = remote.rtcpMux ?? false;
    this.stats.codec = codec;
    this.stats.encryption = remote.srtp?.suite ?? null;
    const mayTalk = direction === 'sendrecv' || direction === 'sendonly';
    this.#format = { codec, payloadType, dtmfPayloadType, mayTalk };
    this.#receiver.expect({ codec, payloadType, dtmfPayloadType });
  }

  /** Counters and windows go on as long as the keys are the same (RFC 4568 §7.1.4). */
  #secure(parameters: SrtpParameters | null): void {
    const known = this.#srtp?.parameters;
    const same =
      parameters?.suite === known?.suite &&
      parameters?.localKey === known?.localKey &&
      parameters?.remoteKey === known?.remoteKey;
    if (same) return;
    this.#srtp = parameters && { parameters, session: new SrtpSession(parameters) };
  }

  sendDtmf(digits: string): Promise<void> {
    if (this.#closed || !this.#format) {
      return Promise.reject(new DtmfError('the stream is not connected'));
    }
    return this.#sender.dtmf.send(digits);
  }

  hearDigit(digit: string, durationMs: number): void {
    if (!this.#closed) this.#digit(digit, durationMs, 'signalling');
  }

  /** Called by the wheel every 20 ms. */
  tick(): void {
    if (this.#closed) return;
    const nowMs = this.#clock.monotonicMs();
    const played = this.#receiver.tick(nowMs);
    this.#watchGap(nowMs);
    const frame = this.#guard('onTick', () => this.onTick?.(played)) ?? null;
    // A listener may have closed the stream.
    if (!this.#format || this.#closed) return;
    const packet = this.#sender.tick(this.#format, frame);
    if (packet && this.#send(this.#options.sockets.rtp, packet, 0)) this.stats.packetsSent++;
    this.#ticks++;
    if (this.#ticks % RTCP_INTERVAL_TICKS === 0) this.#sendReport(nowMs);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onTick = null;
    this.onAudio = null;
    this.#sender.dtmf.abort('the stream was closed');
    const { onClose, onRelease, sockets } = this.#options;
    onClose();
    this.#receiver.close();
    this.#sender.close();
    // RFC 3550 §6.6: the far end need not wait for a timeout; who never sent says nothing.
    // The sockets close when the goodbye has left.
    const goodbye = writeGoodbye(this.#sender.ssrc, this.#cname);
    const spoken = this.#sender.packetCount > 0;
    if (!spoken || !this.#send(sockets.rtcp, goodbye, 1, onRelease)) onRelease();
  }

  #digit(digit: string, durationMs: number, source: DigitSource): void {
    if (!this.#digits.isNew(digit, source, this.#clock.monotonicMs())) return;
    this.events.emit('dtmf', { digit, durationMs });
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    if (this.#closed) return;
    if (looksLikeRtcp(bytes)) {
      this.#receiveReport(bytes, from);
      return;
    }
    const clear = this.#srtp ? this.#srtp.session.unprotectRtp(bytes) : bytes;
    if (!clear) {
      this.stats.packetsInvalid++;
      return;
    }
    const packet = this.#receiver.check(clear);
    if (!packet) return;
    const nowMs = this.#clock.monotonicMs();
    const { lastArrivalMs, ssrc } = this.#receiver;
    const source = { host: from.address, port: from.port };
    if (!this.#latch.admit(source, { nowMs, lastArrivalMs, sameSsrc: packet.ssrc === ssrc })) {
      this.stats.packetsFromStrangers++;
      return;
    }
    if (this.#reportedGapMs > 0) {
      const gapMs = this.#reportedGapMs;
      this.#reportedGapMs = 0;
      this.events.emit('resumed', { gapMs });
    }
    if (lastArrivalMs === null) this.events.emit('first-packet');
    this.#receiver.push(packet, nowMs);
  }

  #receiveReport(bytes: Buffer, from: RemoteInfo): void {
    if (this.#closed) return;
    const clear = this.#srtp ? this.#srtp.session.unprotectRtcp(bytes) : bytes;
    const parsed = clear && parseRtcp(clear);
    if (!parsed?.ok) {
      this.stats.packetsInvalid++;
      return;
    }
    // The far end's RTCP may come from any of its ports, but not from another host.
    if (this.#latch.target?.host !== from.address) {
      this.stats.packetsFromStrangers++;
      return;
    }
    for (const packet of parsed.packets) {
      if (packet.type === 'goodbye') continue;
      for (const report of packet.reports) this.#readReport(report);
      if (packet.type !== 'sender-report' || packet.ssrc !== this.#receiver.ssrc) continue;
      const { ntpMiddle } = packet;
      this.#senderReport = { ntpMiddle, cameMs: this.#clock.monotonicMs() };
    }
  }

  /** What the far end says of our packets. */
  #readReport(report: ReceptionReport): void {
    if (report.ssrc !== this.#sender.ssrc || !this.#format) return;
    const { clockRateHz } = CODECS[this.#format.codec];
    this.stats.remote = {
      packetsLost: Math.max(0, report.cumulativeLost),
      jitterMs: (report.jitter * 1_000) / clockRateHz,
    };
    this.stats.rttMs = roundTripMs(report, this.#clock.now()) ?? this.stats.rttMs;
  }

  #watchGap(nowMs: number): void {
    const { lastArrivalMs } = this.#receiver;
    if (lastArrivalMs === null) return;
    const gapMs = nowMs - lastArrivalMs;
    if (gapMs < this.#reportedGapMs + GAP_STEP_MS) return;
    this.#reportedGapMs = Math.floor(gapMs / GAP_STEP_MS) * GAP_STEP_MS;
    this.events.emit('gap', { gapMs: this.#reportedGapMs });
  }

  #sendReport(nowMs: number): void {
    const { rtpTimestamp, packetCount, octetCount, ssrc } = this.#sender;
    const spoke = packetCount > this.#reportedPackets;
    this.#reportedPackets = packetCount;
    const reception = this.#receiver.report();
    const report = this.#senderReport;
    const packet = writeReport({
      ssrc,
      // RFC 3550 §6.4: who has sent nothing since its last report is a receiver only.
      sender: spoke ? { nowMs: this.#clock.now(), rtpTimestamp, packetCount, octetCount } : null,
      reception: reception && {
        ...reception,
        lastSenderReport: report?.ntpMiddle ?? 0,
        delaySinceLast: report ? Math.round((nowMs - report.cameMs) * DELAY_UNITS_PER_MS) : 0,
      },
      cname: this.#cname,
    });
    this.#send(this.#options.sockets.rtcp, packet, 1);
  }

  /** False where there is nowhere to send to; `sent` is called only after true. */
  #send(socket: Socket, packet: Buffer, portOffset: 0 | 1, sent?: () => void): boolean {
    const target: Address | null = this.#latch.target;
    const offset = this.#sharesPort ? 0 : portOffset;
    // RTCP of a far end on the last port has no port above it.
    if (!target || target.port < 1 || target.port + offset > MAX_PORT) return false;
    const session = this.#srtp?.session;
    const bytes = !session
      ? packet
      : portOffset === 0
        ? session.protectRtp(packet)
        : session.protectRtcp(packet);
    // RFC 5761 §5.1.1: it comes from the RTP port too.
    const from = this.#sharesPort ? this.#options.sockets.rtp : socket;
    from.send(bytes, target.port + offset, target.host, sent);
    return true;
  }

  /** What belongs to others cannot stop the stream; told of once, not 50 times a second. */
  #guard<T>(name: string, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (!this.#failedListeners.has(name)) this.#options.onListenerError(name, error);
      this.#failedListeners.add(name);
      return undefined;
    }
  }
}

/** UDP promises nothing; a packet that could not be sent is a packet that was lost. */
function ignoreNetworkError(): void {
  // Nothing to do.
}
