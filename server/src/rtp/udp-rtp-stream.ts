import type { RemoteInfo } from 'node:dgram';
import type { Clock } from '../shared/clock.ts';
import { TypedEvents } from '../shared/events.ts';
import { DtmfError } from './dtmf.ts';
import type { RtpRemote, RtpStream, RtpStreamEvents, RtpStreamStats } from './media-engine.ts';
import type { SocketPair } from './port-pool.ts';
import { writeGoodbye, writeSenderReport } from './rtcp.ts';
import { RtpReceiver } from './rtp-receiver.ts';
import { RtpSender } from './rtp-sender.ts';

/** A source that was silent for so long may have moved (same SSRC from elsewhere). */
const RELATCH_AFTER_MS = 3_000;
const GAP_STEP_MS = 1_000;
const RTCP_INTERVAL_TICKS = 250;
const CNAME = 'trunkline';

interface Address {
  host: string;
  port: number;
}

/** One stream on a pair of sockets. */
export class UdpRtpStream implements RtpStream {
  readonly localPort: number;
  readonly events: TypedEvents<RtpStreamEvents>;
  readonly stats: RtpStreamStats = {
    packetsSent: 0,
    packetsReceived: 0,
    packetsLost: 0,
    packetsInvalid: 0,
    packetsFromStrangers: 0,
    packetsLate: 0,
    packetsDuplicate: 0,
    jitterMs: 0,
  };
  onTick: RtpStream['onTick'] = null;
  onAudio: RtpStream['onAudio'] = null;

  readonly #sockets: SocketPair;
  readonly #clock: Clock;
  readonly #onClose: () => void;
  readonly #onRelease: () => void;
  readonly #receiver: RtpReceiver;
  readonly #sender = new RtpSender();
  #remote: RtpRemote | null = null;
  /** Where packets come from, and so go to (RFC 4961); null: as the SDP says. */
  #latched: Address | null = null;
  #ticks = 0;
  #reportedGapMs = 0;
  #closed = false;

  constructor(options: {
    sockets: SocketPair;
    clock: Clock;
    onListenerError: (event: string, error: unknown) => void;
    onClose: () => void;
    /** The sockets are not needed any more. */
    onRelease: () => void;
  }) {
    this.#sockets = options.sockets;
    this.#clock = options.clock;
    this.#onClose = options.onClose;
    this.#onRelease = options.onRelease;
    this.localPort = options.sockets.port;
    this.events = new TypedEvents<RtpStreamEvents>(options.onListenerError);
    this.#receiver = new RtpReceiver(
      {
        audio: (samples) => this.onAudio?.(samples),
        digit: (digit, durationMs) => this.events.emit('dtmf', { digit, durationMs }),
      },
      this.stats,
    );
    this.#sockets.rtp.on('message', (bytes, from) => this.#receive(bytes, from));
    // An ICMP "port unreachable" is an error of the socket; the far end may open the port later.
    this.#sockets.rtp.on('error', () => undefined);
    this.#sockets.rtcp.on('error', () => undefined);
  }

  connect(remote: RtpRemote): void {
    const moved =
      this.#remote !== null &&
      (this.#remote.host !== remote.host || this.#remote.port !== remote.port);
    if (moved) this.#latched = null;
    this.#remote = remote;
    this.#receiver.expect(remote);
  }

  sendDtmf(digits: string): Promise<void> {
    if (!this.#remote) return Promise.reject(new DtmfError('the stream is not connected'));
    if (this.#remote.dtmfPayloadType === null) {
      return Promise.reject(new DtmfError('the far end takes no telephone-event (RFC 4733)'));
    }
    return this.#sender.dtmf.send(digits);
  }

  /** Called by the wheel every 20 ms. */
  tick(): void {
    if (this.#closed) return;
    const nowMs = this.#clock.monotonicMs();
    const played = this.#receiver.tick(nowMs);
    this.#watchGap(nowMs);
    const frame = this.onTick?.(played) ?? null;
    const remote = this.#remote;
    if (!remote || this.#closed) return;
    const { host, port } = this.#latched ?? remote;
    const { direction } = remote;
    const mayTalk = direction === 'sendrecv' || direction === 'sendonly';
    for (const packet of this.#sender.tick({ ...remote, mayTalk }, frame)) {
      this.#sockets.rtp.send(packet, port, host, ignoreSendError);
      this.stats.packetsSent++;
    }
    this.#ticks++;
    if (this.#ticks % RTCP_INTERVAL_TICKS === 0) this.#sendReport(host, port + 1);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onTick = null;
    this.onAudio = null;
    this.#sender.dtmf.close();
    this.#onClose();
    const target = this.#latched ?? this.#remote;
    if (!target) {
      this.#onRelease();
      return;
    }
    // RFC 3550 §6.6: the far end need not wait for a timeout. The sockets close when it has left.
    const goodbye = writeGoodbye(this.#sender.ssrc);
    this.#sockets.rtcp.send(goodbye, target.port + 1, target.host, () => this.#onRelease());
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    if (this.#closed) return;
    const packet = this.#receiver.check(bytes);
    if (!packet) return;
    const nowMs = this.#clock.monotonicMs();
    if (!this.#admit(from, packet.ssrc, nowMs)) {
      this.stats.packetsFromStrangers++;
      return;
    }
    const first = this.#receiver.lastArrivalMs === null;
    this.#receiver.push(packet, nowMs);
    if (this.#reportedGapMs > 0) {
      this.events.emit('resumed', { gapMs: this.#reportedGapMs });
      this.#reportedGapMs = 0;
    }
    if (first) this.events.emit('first-packet');
  }

  /** Latches to the first valid source; another one counts only after a silence, with the same SSRC. */
  #admit(from: RemoteInfo, ssrc: number, nowMs: number): boolean {
    const host = from.address;
    const latched = this.#latched;
    if (latched?.host === host && latched.port === from.port) return true;
    if (latched) {
      const silentMs = nowMs - (this.#receiver.lastArrivalMs ?? nowMs);
      if (silentMs < RELATCH_AFTER_MS || ssrc !== this.#receiver.ssrc) return false;
    }
    this.#latched = { host, port: from.port };
    return true;
  }

  #watchGap(nowMs: number): void {
    const { lastArrivalMs } = this.#receiver;
    if (lastArrivalMs === null) return;
    const gapMs = nowMs - lastArrivalMs;
    if (gapMs < this.#reportedGapMs + GAP_STEP_MS) return;
    this.#reportedGapMs = Math.floor(gapMs / GAP_STEP_MS) * GAP_STEP_MS;
    this.events.emit('gap', { gapMs: this.#reportedGapMs });
  }

  #sendReport(host: string, port: number): void {
    const report = writeSenderReport({
      ssrc: this.#sender.ssrc,
      nowMs: this.#clock.now(),
      rtpTimestamp: this.#sender.rtpTimestamp,
      packetCount: this.#sender.packetCount,
      octetCount: this.#sender.octetCount,
      reception: this.#receiver.report(),
      cname: CNAME,
    });
    this.#sockets.rtcp.send(report, port, host, ignoreSendError);
  }
}

/** UDP promises nothing; a packet that could not be sent is a packet that was lost. */
function ignoreSendError(): void {
  // Nothing to do.
}
