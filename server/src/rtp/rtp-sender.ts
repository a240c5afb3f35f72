import { randomBytes } from 'node:crypto';
import { CODECS } from '../sdp/codecs.ts';
import type { CodecName } from '../sdp/sdp.ts';
import { dialTone } from './dial-tones.ts';
import { DtmfSender } from './dtmf.ts';
import { encodeG711, PayloadEncoder } from './payload-encoder.ts';
import { RTP_HEADER_BYTES, writeRtpHeader } from './rtp-packet.ts';

const FRAME_SAMPLES = 160;
const FRAMES_PER_S = 50;
/** While we must not send, one packet a second keeps the path through a NAT open (RFC 6263 §4). */
const KEEP_ALIVE_TICKS = 50;

export interface SendFormat {
  codec: CodecName;
  payloadType: number;
  dtmfPayloadType: number | null;
  /** False on hold. */
  mayTalk: boolean;
}

/**
 * The sending half of a stream: packets with their sequence, timestamps and digits, which are tones
 * where the far end takes no telephone-event. No sockets.
 */
export class RtpSender {
  readonly ssrc = randomBytes(4).readUInt32BE();
  readonly dtmf = new DtmfSender();
  readonly #encoder = new PayloadEncoder();
  // RFC 3550 §5.1 asks for a random start; the lower half keeps the wrap away from the first second.
  #sequenceNumber = randomBytes(2).readUInt16BE() & 0x7fff;
  #rtpTimestamp = randomBytes(4).readUInt32BE();
  #markNext = true;
  #ticks = 0;
  #octetCount = 0;
  #packetCount = 0;

  /** Of the next packet. */
  get rtpTimestamp(): number {
    return this.#rtpTimestamp;
  }

  get packetCount(): number {
    return this.#packetCount;
  }

  /** Of payload, without headers. */
  get octetCount(): number {
    return this.#octetCount;
  }

  /**
   * The datagram of one tick; null only on hold. The timestamp grows by 20 ms with every tick (160,
   * of Opus 960), whatever is sent, so that audio goes on where it would be without the digits between.
   */
  tick(format: SendFormat, frame: Int16Array | null): Buffer | null {
    const rtpTimestamp = this.#rtpTimestamp;
    const { clockRateHz } = CODECS[format.codec];
    this.#rtpTimestamp = (rtpTimestamp + clockRateHz / FRAMES_PER_S) >>> 0;
    this.#ticks++;
    // On hold a digit that has begun is finished, and the next ones wait.
    const { dtmfPayloadType, mayTalk } = format;
    const mayFinish = this.dtmf.inDigit && dtmfPayloadType !== null;
    if (this.dtmf.active && (mayTalk || mayFinish)) {
      const event = this.dtmf.tick(rtpTimestamp, clockRateHz);
      if (!event || dtmfPayloadType === null) {
        const { sounding } = this.dtmf;
        const tone = event && sounding && dialTone(sounding.digit, sounding.part);
        return this.#audio(format, rtpTimestamp, tone);
      }
      this.#markNext = true;
      const { payload, marker } = event;
      const packet = this.#packet(dtmfPayloadType, event.rtpTimestamp, marker, payload.length);
      packet.set(payload, RTP_HEADER_BYTES);
      return packet;
    }
    if (mayTalk) return this.#audio(format, rtpTimestamp, frame);
    if (this.#ticks % KEEP_ALIVE_TICKS !== 0) return null;
    this.#markNext = true;
    return this.#audio(format, rtpTimestamp, null);
  }

  /** Gives back what is not JavaScript's. Idempotent. */
  close(): void {
    this.#encoder.close();
  }

  #audio(format: SendFormat, rtpTimestamp: number, frame: Int16Array | null): Buffer {
    const { codec, payloadType } = format;
    const marker = this.#markNext;
    this.#markNext = false;
    if (codec === 'PCMU' || codec === 'PCMA') {
      const packet = this.#packet(payloadType, rtpTimestamp, marker, FRAME_SAMPLES);
      encodeG711(codec, frame, packet, RTP_HEADER_BYTES);
      return packet;
    }
    const payload = this.#encoder.encode(codec, frame);
    const packet = this.#packet(payloadType, rtpTimestamp, marker, payload.length);
    packet.set(payload, RTP_HEADER_BYTES);
    return packet;
  }

  #packet(
    payloadType: number,
    rtpTimestamp: number,
    marker: boolean,
    payloadBytes: number,
  ): Buffer {
    // A fresh buffer each time: a datagram may still wait in the socket when the next one is made.
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + payloadBytes);
    writeRtpHeader(packet, {
      marker,
      payloadType,
      sequenceNumber: this.#sequenceNumber,
      rtpTimestamp,
      ssrc: this.ssrc,
    });
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
    this.#packetCount++;
    this.#octetCount += payloadBytes;
    return packet;
  }
}
