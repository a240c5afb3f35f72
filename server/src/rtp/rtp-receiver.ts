import { decodeAlaw, decodeMulaw } from '../audio/g711.ts';
import type { CodecName } from '../sdp/sdp.ts';
import { ArrivalOrder } from './arrival-order.ts';
import { DtmfReceiver } from './dtmf.ts';
import type { RtpStreamStats } from './media-engine.ts';
import { PlayoutBuffer } from './playout-buffer.ts';
import type { ReceptionReport } from './rtcp.ts';
import { parseRtp, type RtpPacket } from './rtp-packet.ts';

const FRAME_SAMPLES = 160;
const SAMPLES_PER_MS = 8;
/** Packet times of 10 to 60 ms. */
const MIN_PAYLOAD_BYTES = 80;
const MAX_PAYLOAD_BYTES = 480;
/** RFC 3389; sent in pauses by far ends that do so. */
const COMFORT_NOISE = 13;
const STATIC_CODECS: Readonly<Record<number, CodecName>> = { 0: 'PCMU', 8: 'PCMA' };
/** A loss is filled with silence for the ears up to this; a longer one is a gap. */
const MAX_FILL_PACKETS = 10;
/** After this time without a packet the ears get silence, so that a turn can end. */
const STARVED_MS = 60;

export interface RtpReceiverEvents {
  audio: (samples: Int16Array) => void;
  digit: (digit: string, durationMs: number) => void;
}

/** What a far end may send, once it is known. */
export interface ExpectedFormats {
  codec: CodecName;
  payloadType: number;
  dtmfPayloadType: number | null;
}

/** The receiving half of a stream: order, decoding, digits, statistics, playout. No sockets. */
export class RtpReceiver {
  readonly #events: RtpReceiverEvents;
  readonly #stats: RtpStreamStats;
  readonly #order = new ArrivalOrder<Int16Array>((samples, lost) => this.#deliver(samples, lost));
  readonly #playout = new PlayoutBuffer();
  readonly #dtmf: DtmfReceiver;
  readonly #silence = new Int16Array(FRAME_SAMPLES);
  #expected: ExpectedFormats | null = null;
  #ssrc: number | null = null;
  #lastArrivalMs: number | null = null;
  #transit: number | null = null;
  #jitterUnits = 0;
  #highestSequence = 0;
  #reportedLost = 0;
  #reportedReceived = 0;
  /** Silence that the ears were given for packets that did not come. */
  #starvedSamples = 0;

  constructor(events: RtpReceiverEvents, stats: RtpStreamStats) {
    this.#events = events;
    this.#stats = stats;
    this.#dtmf = new DtmfReceiver(events.digit);
  }

  /** When the latest valid packet came; null: none yet. */
  get lastArrivalMs(): number | null {
    return this.#lastArrivalMs;
  }

  /** The source that is heard; null: none yet. */
  get ssrc(): number | null {
    return this.#ssrc;
  }

  expect(formats: ExpectedFormats): void {
    this.#expected = formats;
  }

  /** The SSRC of a datagram that is RTP of this call; null: something else, counted. */
  check(bytes: Buffer): RtpPacket | null {
    const parsed = parseRtp(bytes);
    if (parsed.ok && this.#isOurs(parsed.packet)) return parsed.packet;
    this.#stats.packetsInvalid++;
    return null;
  }

  /** Takes a packet that `check` gave. */
  push(packet: RtpPacket, nowMs: number): void {
    if (this.#ssrc !== packet.ssrc) this.#newSource(packet.ssrc);
    this.#stats.packetsReceived++;
    this.#lastArrivalMs = nowMs;
    if (packet.payloadType === this.#expected?.dtmfPayloadType) {
      this.#dtmf.push(packet.payload, packet.rtpTimestamp);
      return;
    }
    this.#dtmf.finish();
    this.#measureJitter(packet.rtpTimestamp, nowMs);
    this.#highestSequence = packet.sequenceNumber;
    const samples =
      packet.payloadType === COMFORT_NOISE ? new Int16Array(FRAME_SAMPLES) : this.#decode(packet);
    const verdict = this.#order.push(packet.sequenceNumber, samples);
    if (verdict === 'late') this.#stats.packetsLate++;
    if (verdict === 'duplicate') this.#stats.packetsDuplicate++;
    this.#stats.packetsLost = this.#order.lostCount;
  }

  /** Called every 20 ms: the frame that is due (valid until the next call), or null. */
  tick(nowMs: number): Int16Array | null {
    if (this.#lastArrivalMs !== null && nowMs - this.#lastArrivalMs > STARVED_MS) {
      this.#dtmf.finish();
      this.#starvedSamples += FRAME_SAMPLES;
      this.#events.audio(this.#silence);
    }
    return this.#playout.pop();
  }

  /** For a sender report (RFC 3550 §6.4.1); null while nothing was heard. */
  report(): ReceptionReport | null {
    if (this.#ssrc === null) return null;
    const lost = this.#stats.packetsLost - this.#reportedLost;
    const received = this.#stats.packetsReceived - this.#reportedReceived;
    this.#reportedLost = this.#stats.packetsLost;
    this.#reportedReceived = this.#stats.packetsReceived;
    return {
      ssrc: this.#ssrc,
      fractionLost: lost <= 0 ? 0 : Math.floor((256 * lost) / Math.max(1, lost + received)),
      cumulativeLost: this.#stats.packetsLost,
      highestSequence: this.#highestSequence,
      jitter: this.#jitterUnits,
    };
  }

  #isOurs(packet: RtpPacket): boolean {
    const { payloadType, payload } = packet;
    const expected = this.#expected;
    if (expected && payloadType === expected.dtmfPayloadType) return payload.length >= 4;
    if (payloadType === COMFORT_NOISE) return true;
    const known = expected
      ? payloadType === expected.payloadType
      : STATIC_CODECS[payloadType] !== undefined;
    return known && payload.length >= MIN_PAYLOAD_BYTES && payload.length <= MAX_PAYLOAD_BYTES;
  }

  #decode(packet: RtpPacket): Int16Array {
    const codec = this.#expected?.codec ?? STATIC_CODECS[packet.payloadType] ?? 'PCMU';
    return codec === 'PCMU' ? decodeMulaw(packet.payload) : decodeAlaw(packet.payload);
  }

  #newSource(ssrc: number): void {
    this.#ssrc = ssrc;
    this.#order.reset();
    this.#playout.reset();
    this.#transit = null;
  }

  #deliver(samples: Int16Array, lostBefore: number): void {
    // What the ears were given while packets were missing is not given a second time.
    let fill = Math.min(lostBefore, MAX_FILL_PACKETS) * samples.length - this.#starvedSamples;
    this.#starvedSamples = 0;
    for (; fill > 0; fill -= FRAME_SAMPLES) {
      const part = this.#silence.subarray(0, Math.min(FRAME_SAMPLES, fill));
      this.#events.audio(part);
      this.#playout.push(part);
    }
    this.#events.audio(samples);
    this.#playout.push(samples);
  }

  /** RFC 3550 §6.4.1 and A.8: J += (|D| - J) / 16, in timestamp units. */
  #measureJitter(rtpTimestamp: number, nowMs: number): void {
    const transit = (nowMs * SAMPLES_PER_MS - rtpTimestamp) % 2 ** 32;
    if (this.#transit !== null) {
      const difference = Math.abs(transit - this.#transit);
      // A jump of the far end's timestamps is no jitter.
      if (difference < SAMPLES_PER_MS * 1_000) {
        this.#jitterUnits += (difference - this.#jitterUnits) / 16;
      }
    }
    this.#transit = transit;
    this.#stats.jitterMs = this.#jitterUnits / SAMPLES_PER_MS;
    this.#playout.setJitter(this.#stats.jitterMs);
  }
}
