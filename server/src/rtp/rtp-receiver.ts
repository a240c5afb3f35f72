import { CODECS } from '../sdp/codecs.ts';
import type { CodecName } from '../sdp/sdp.ts';
import { ArrivalOrder } from './arrival-order.ts';
import { ComfortNoise } from './comfort-noise.ts';
import { DtmfReceiver } from './dtmf.ts';
import { InBandDigits } from './in-band-digits.ts';
import type { RtpStreamStats } from './media-engine.ts';
import { PayloadDecoder, sampleCountOf } from './payload-decoder.ts';
import { PlayoutBuffer } from './playout-buffer.ts';
import { ReceptionStats } from './reception-stats.ts';
import type { ReceptionReport } from './rtcp.ts';
import { parseRtp, type RtpPacket } from './rtp-packet.ts';

const FRAME_SAMPLES = 160;
/** Packet times of 10 to 60 ms; of Opus 2.5 ms too. */
const MIN_SAMPLES = 80;
const MIN_OPUS_SAMPLES = 20;
const MAX_SAMPLES = 480;
const EVENT_BYTES = 4;
/** RFC 3389; sent in pauses by far ends that do so. */
const COMFORT_NOISE = 13;
/** RFC 3551 §6: bound to these codecs for ever, so that a far end may change between them. */
const STATIC_CODECS: Readonly<Record<number, CodecName>> = { 0: 'PCMU', 8: 'PCMA' };
const SAMPLE_RATE_HZ = 8_000;
const SAMPLES_PER_MS = 8;
const USUAL_PACKET_MS = 20;
/** A loss is filled up to 200 ms; a longer one is a gap. */
const MAX_FILL_SAMPLES = 1_600;
/** Audio may be later than its packet time by this and twice its jitter before it counts as missing. */
const LATE_MS = 40;
const MAX_LATE_MS = 120;
const SILENT_SAMPLES = 160_000;
/** The nearest to nothing that A-law can say is 8, and the other codecs say a little more. */
const NOTHING_PEAK = 16;

export interface RtpReceiverEvents {
  audio: (samples: Int16Array) => void;
  digit: (digit: string, durationMs: number) => void;
  /** Audio of 20 s that had nothing in it; once a stretch. */
  silent: (silentMs: number) => void;
}

/** What a far end may send, once it is known. */
export interface ExpectedFormats {
  codec: CodecName;
  payloadType: number;
  dtmfPayloadType: number | null;
}

interface Arrived {
  packet: RtpPacket;
  kind: CodecName | 'noise' | 'event';
}

/** The receiving half of a stream: order, decoding, digits, statistics, playout. No sockets. */
export class RtpReceiver {
  readonly #events: RtpReceiverEvents;
  readonly #stats: RtpStreamStats;
  readonly #order = new ArrivalOrder<Arrived>((item, lost) => this.#deliver(item, lost));
  readonly #playout = new PlayoutBuffer();
  readonly #reception = new ReceptionStats();
  readonly #dtmf: DtmfReceiver;
  readonly #inBand: InBandDigits;
  readonly #decoder = new PayloadDecoder();
  readonly #noise = new ComfortNoise();
  /** The far end sends no audio because it said that there is none to send. */
  #isNoise = false;
  /** Of the audio that came last. */
  #codec: CodecName = 'PCMU';
  /** Timestamp units of a sample of ours. */
  #unitsPerSample = 1;
  /** What the ears are given, used again for each packet. */
  readonly #samples = new Int16Array(MAX_SAMPLES);
  #lastView = this.#samples.subarray(0, FRAME_SAMPLES);
  #expected: ExpectedFormats | null = null;
  #ssrc: number | null = null;
  #lastArrivalMs: number | null = null;
  #nowMs = 0;
  #packetMs = USUAL_PACKET_MS;
  #lastAudioMs: number | null = null;
  /** Timestamp that the next sample would have; null: not known. */
  #nextTimestamp: number | null = null;
  /** No audio came on purpose (comfort noise, an event): the timestamp says for how long. */
  #paused = false;
  /** Of the audio that came last, without anything in it. */
  #silentSamples = 0;
  /** Silence that the ears were given for audio that did not come. */
  #starvedSamples = 0;

  constructor(events: RtpReceiverEvents, stats: RtpStreamStats) {
    this.#events = events;
    this.#stats = stats;
    this.#dtmf = new DtmfReceiver(events.digit);
    this.#inBand = new InBandDigits(events.digit);
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
    this.#dtmf.setClockRate(CODECS[formats.codec].clockRateHz);
  }

  /** The packet in a datagram that is RTP of this call; null: something else, counted. */
  check(bytes: Buffer): RtpPacket | null {
    const parsed = parseRtp(bytes);
    if (parsed.ok && this.#kindOf(parsed.packet)) return parsed.packet;
    this.#stats.packetsInvalid++;
    return null;
  }

  /** Takes a packet that `check` gave. */
  push(packet: RtpPacket, nowMs: number): void {
    const kind = this.#kindOf(packet);
    if (!kind) return;
    this.#nowMs = nowMs;
    if (this.#ssrc !== packet.ssrc) this.#newSource(packet.ssrc);
    this.#lastArrivalMs = nowMs;
    this.#stats.packetsReceived++;
    const verdict = this.#order.push(packet.sequenceNumber, { packet, kind }, nowMs);
    if (verdict === 'duplicate') {
      this.#stats.packetsDuplicate++;
      return;
    }
    if (verdict === 'late') this.#stats.packetsLate++;
    this.#reception.count(packet.sequenceNumber);
    if (kind !== 'noise' && kind !== 'event') {
      this.#reception.measureJitter(packet.rtpTimestamp, nowMs, CODECS[kind].clockRateHz);
    }
    this.#stats.packetsExpected = this.#reception.expectedCount;
    this.#stats.packetsLost = this.#reception.lostCount;
    this.#stats.jitterMs = this.#reception.jitterMs;
    this.#playout.setTarget({ jitterMs: this.#stats.jitterMs, packetMs: this.#packetMs });
  }

  /** Called every 20 ms: the frame that is due (valid until the next call), or null. */
  tick(nowMs: number): Int16Array | null {
    this.#nowMs = nowMs;
    this.#order.expire(nowMs);
    this.#dtmf.expire(nowMs);
    // The ears go on hearing silence where audio stopped, so that a turn can end.
    if (this.#lastAudioMs !== null && nowMs - this.#lastAudioMs > this.#starvedAfterMs()) {
      this.#starvedSamples += FRAME_SAMPLES;
      this.#events.audio(this.#silence(FRAME_SAMPLES));
    }
    return this.#playout.pop() ?? (this.#isNoise ? this.#noise.frame() : null);
  }

  /** Gives back what is not JavaScript's. Idempotent. */
  close(): void {
    this.#decoder.reset();
  }

  /** For a report of ours (RFC 3550 §6.4.1); null while nothing was heard. */
  report(): Omit<ReceptionReport, 'lastSenderReport' | 'delaySinceLast'> | null {
    return this.#ssrc === null ? null : { ssrc: this.#ssrc, ...this.#reception.report() };
  }

  /** Null: no packet of this call. */
  #kindOf({ payloadType, payload }: RtpPacket): Arrived['kind'] | null {
    if (payloadType === this.#expected?.dtmfPayloadType) {
      return payload.length >= EVENT_BYTES ? 'event' : null;
    }
    if (payloadType === COMFORT_NOISE) return 'noise';
    const codec = this.#codecOf(payloadType);
    if (!codec) return null;
    const sampleCount = sampleCountOf(codec, payload);
    const least = codec === 'OPUS' ? MIN_OPUS_SAMPLES : MIN_SAMPLES;
    return sampleCount >= least && sampleCount <= MAX_SAMPLES ? codec : null;
  }

  #codecOf(payloadType: number): CodecName | undefined {
    if (payloadType === this.#expected?.payloadType) return this.#expected.codec;
    return STATIC_CODECS[payloadType];
  }

  #newSource(ssrc: number): void {
    this.#order.reset();
    this.#dtmf.finish();
    this.#playout.reset();
    this.#reception.restart();
    this.#decoder.reset();
    this.#isNoise = false;
    this.#ssrc = ssrc;
    this.#nextTimestamp = null;
    this.#paused = false;
    this.#starvedSamples = 0;
  }

  /** The next audio is due one packet time after the last. */
  #starvedAfterMs(): number {
    return this.#packetMs + Math.min(MAX_LATE_MS, LATE_MS + 2 * this.#stats.jitterMs);
  }

  #deliver({ packet, kind }: Arrived, lostBefore: number): void {
    if (kind === 'event') {
      this.#dtmf.push(packet, this.#nowMs);
      this.#paused = true;
      return;
    }
    if (kind !== 'noise' && kind !== this.#codec) this.#changeCodec(kind);
    const sampleCount = kind === 'noise' ? FRAME_SAMPLES : sampleCountOf(kind, packet.payload);
    this.#fill(this.#missingBefore(packet, sampleCount, lostBefore));
    this.#paused = kind === 'noise';
    this.#nextTimestamp = (packet.rtpTimestamp + sampleCount * this.#unitsPerSample) >>> 0;
    this.#lastAudioMs = this.#nowMs;
    this.#isNoise = kind === 'noise';
    if (kind === 'noise') {
      this.#noise.set(packet.payload);
      this.#playout.push(this.#noise.frame());
      this.#events.audio(this.#silence(FRAME_SAMPLES));
      return;
    }
    this.#packetMs = sampleCount / SAMPLES_PER_MS;
    const samples = this.#view(sampleCount);
    this.#decoder.decode(kind, packet.payload, samples);
    this.#playout.push(samples);
    this.#watchSilence(samples);
    // RFC 4733 §1: keys are tones where no telephone-event was agreed on.
    if (this.#expected?.dtmfPayloadType === null) this.#inBand.push(samples);
    // The ears come last: they may do with the samples what they like.
    this.#events.audio(samples);
  }

  /** A muted telephone, or a gateway that has nothing to pass on. */
  #watchSilence(samples: Int16Array): void {
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i] as number;
      if (sample <= NOTHING_PEAK && sample >= -NOTHING_PEAK) continue;
      this.#silentSamples = 0;
      return;
    }
    const before = this.#silentSamples;
    this.#silentSamples += samples.length;
    if (before < SILENT_SAMPLES && this.#silentSamples >= SILENT_SAMPLES) {
      this.#events.silent(this.#silentSamples / SAMPLES_PER_MS);
    }
  }

  /** Another clock: timestamps of before tell nothing. */
  #changeCodec(codec: CodecName): void {
    this.#codec = codec;
    this.#decoder.reset();
    const unitsPerSample = CODECS[codec].clockRateHz / SAMPLE_RATE_HZ;
    if (unitsPerSample !== this.#unitsPerSample) this.#nextTimestamp = null;
    this.#unitsPerSample = unitsPerSample;
  }

  #silence(sampleCount: number): Int16Array {
    return this.#view(sampleCount).fill(0);
  }

  /** Packets of a stream are of one length, as good as always. */
  #view(sampleCount: number): Int16Array {
    if (this.#lastView.length !== sampleCount) {
      this.#lastView = this.#samples.subarray(0, sampleCount);
    }
    return this.#lastView;
  }

  /** Samples between the last audio and this, by its timestamp where that can be believed. */
  #missingBefore(packet: RtpPacket, sampleCount: number, lostBefore: number): number {
    // Without a loss and without a pause a step of the timestamp is the far end's mistake.
    if (lostBefore === 0 && !this.#paused && !packet.marker) return 0;
    const step =
      this.#nextTimestamp === null ? -1 : (packet.rtpTimestamp - this.#nextTimestamp) | 0;
    return step > 0 ? Math.round(step / this.#unitsPerSample) : lostBefore * sampleCount;
  }

  #fill(missingSamples: number): void {
    if (missingSamples > 0) this.#playout.pushLost(Math.min(missingSamples, MAX_FILL_SAMPLES));
    // What the ears were given while audio was missing is not given a second time.
    let rest = Math.min(missingSamples - this.#starvedSamples, MAX_FILL_SAMPLES);
    this.#starvedSamples = 0;
    for (; rest > 0; rest -= FRAME_SAMPLES) {
      this.#events.audio(this.#silence(Math.min(FRAME_SAMPLES, rest)));
    }
  }
}
