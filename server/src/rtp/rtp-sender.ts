import { randomBytes } from 'node:crypto';
import { ALAW_SILENCE, encodeAlaw, encodeMulaw, MULAW_SILENCE } from '../audio/g711.ts';
import type { CodecName } from '../sdp/sdp.ts';
import { DtmfSender } from './dtmf.ts';
import { RTP_HEADER_BYTES, writeRtpHeader } from './rtp-packet.ts';

const FRAME_SAMPLES = 160;
/** While we must not send, one packet a second keeps the path through a NAT open (RFC 6263 §4). */
const KEEP_ALIVE_TICKS = 50;

export interface SendFormat {
  codec: CodecName;
  payloadType: number;
  dtmfPayloadType: number | null;
  /** False on hold. */
  mayTalk: boolean;
}

/** The sending half of a stream: packets with their sequence, timestamps and digits. No sockets. */
export class RtpSender {
  readonly ssrc = randomBytes(4).readUInt32BE();
  readonly dtmf = new DtmfSender();
  // Below 2^15 at the start, so that the wrap is far away (RFC 3550 §5.1 asks for a random value).
  #sequenceNumber = randomBytes(2).readUInt16BE() & 0x7fff;
  #rtpTimestamp = randomBytes(4).readUInt32BE();
  #markNext = true;
  #ticks = 0;
  #octets = 0;
  #packets = 0;

  get rtpTimestamp(): number {
    return this.#rtpTimestamp;
  }

  get packetCount(): number {
    return this.#packets;
  }

  get octetCount(): number {
    return this.#octets;
  }

  /** The datagrams of one tick. The timestamp grows by 160, whatever is sent. */
  tick(format: SendFormat, frame: Int16Array | null): Buffer[] {
    const rtpTimestamp = this.#rtpTimestamp;
    this.#rtpTimestamp = (rtpTimestamp + FRAME_SAMPLES) >>> 0;
    this.#ticks++;
    if (this.dtmf.active && format.dtmfPayloadType !== null) {
      const { dtmfPayloadType } = format;
      const events = this.dtmf.tick(rtpTimestamp);
      this.#markNext = true;
      if (events.length > 0) {
        return events.map(({ payload, rtpTimestamp: at, marker }) => {
          const packet = this.#packet(dtmfPayloadType, at, marker, payload.length);
          packet.set(payload, RTP_HEADER_BYTES);
          return packet;
        });
      }
      return [this.#audio(format, rtpTimestamp, null)];
    }
    if (!format.mayTalk && this.#ticks % KEEP_ALIVE_TICKS !== 0) return [];
    return [this.#audio(format, rtpTimestamp, format.mayTalk ? frame : null)];
  }

  #audio(format: SendFormat, rtpTimestamp: number, frame: Int16Array | null): Buffer {
    const packet = this.#packet(format.payloadType, rtpTimestamp, this.#markNext, FRAME_SAMPLES);
    this.#markNext = false;
    if (!frame)
      packet.fill(format.codec === 'PCMU' ? MULAW_SILENCE : ALAW_SILENCE, RTP_HEADER_BYTES);
    else if (format.codec === 'PCMU') encodeMulaw(frame, packet, RTP_HEADER_BYTES);
    else encodeAlaw(frame, packet, RTP_HEADER_BYTES);
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
    this.#packets++;
    this.#octets += payloadBytes;
    return packet;
  }
}
