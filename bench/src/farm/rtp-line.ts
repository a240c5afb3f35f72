import dgram from 'node:dgram';
import { once } from 'node:events';
import { MULAW_SILENCE } from '../../../server/src/audio/g711.ts';
import {
  parseRtp,
  RTP_HEADER_BYTES,
  writeRtpHeader,
  type RtpPacket,
} from '../../../server/src/rtp/rtp-packet.ts';
import { isAudible } from './loudness.ts';
import { LineMeter } from './line-meter.ts';
import type { MediaClock } from './media-clock.ts';
import { monotonicMs } from './monotonic.ts';

export const FRAME_SAMPLES = 160;
const PCMU = 0;
const RECEIVE_BUFFER_BYTES = 1 << 20;
const SILENCE = new Uint8Array(FRAME_SAMPLES).fill(MULAW_SILENCE);

export interface RtpLineOptions {
  clock: MediaClock;
  /** What leaves now; null: silence. */
  nextFrame: (nowMs: number) => Uint8Array | null;
  onPacket: (atMs: number, audible: boolean) => void;
}

/** A UDP socket with mu-law going out every 20 ms and a meter on what comes in. */
export class RtpLine {
  readonly meter = new LineMeter();
  /** Whether arrival times are kept. */
  metering = false;
  readonly #options: RtpLineOptions;
  readonly #socket = dgram.createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
  readonly #ssrc = Math.floor(Math.random() * 0xffffffff);
  #sequenceNumber = Math.floor(Math.random() * 0xffff);
  #rtpTimestamp = Math.floor(Math.random() * 0xffffffff);
  #first = true;
  #port = 0;
  #stop: (() => void) | null = null;
  #closed = false;

  constructor(options: RtpLineOptions) {
    this.#options = options;
    this.#socket.on('message', (bytes) => this.#receive(bytes, monotonicMs()));
    // The far end's port may be closed before ours: ICMP then comes back as an error.
    this.#socket.on('error', () => undefined);
  }

  /** Where packets are received; 0 before `open`. */
  get port(): number {
    return this.#port;
  }

  /** Binds a free port of the loopback interface. */
  async open(): Promise<number> {
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    this.#port = this.#socket.address().port;
    return this.#port;
  }

  /** Sends to this port from now on. */
  async connect(remotePort: number): Promise<void> {
    this.#socket.connect(remotePort, '127.0.0.1');
    await once(this.#socket, 'connect');
    if (!this.#closed) this.#stop = this.#options.clock.add(() => this.#send());
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop?.();
    this.#socket.close();
  }

  #send(): void {
    const payload = this.#options.nextFrame(monotonicMs()) ?? SILENCE;
    // A fresh buffer each time: the socket may still hold the last one.
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + payload.length);
    writeRtpHeader(packet, {
      marker: this.#first,
      payloadType: PCMU,
      sequenceNumber: this.#sequenceNumber,
      rtpTimestamp: this.#rtpTimestamp,
      ssrc: this.#ssrc,
    });
    packet.set(payload, RTP_HEADER_BYTES);
    this.#first = false;
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
    this.#rtpTimestamp = (this.#rtpTimestamp + FRAME_SAMPLES) >>> 0;
    this.#socket.send(packet, () => undefined);
  }

  #receive(bytes: Buffer, atMs: number): void {
    const parsed = parseRtp(bytes);
    if (!parsed.ok || !isAudio(parsed.packet)) return;
    if (this.metering) this.meter.push(parsed.packet, atMs);
    this.#options.onPacket(atMs, isAudible(parsed.packet.payload));
  }
}

function isAudio(packet: RtpPacket): boolean {
  return packet.payloadType === PCMU;
}
