import { Decoder, Encoder } from '@evan/opus/wasm/index.mjs';

const SAMPLE_RATE_HZ = 8_000;
const SAMPLES_PER_MS = 8;
/** opus_defines.h: what can be set. */
const SET_BITRATE = 4002;
const SET_COMPLEXITY = 4010;
const SET_INBAND_FEC = 4012;
const SET_PACKET_LOSS = 4014;
/** RFC 7587 §3.1.1: 8 to 12 kbit/s suffice for narrow-band speech; the rest is for what is said twice. */
const BITRATE_BPS = 24_000;
/** Of 10: what more costs is not heard at 8 kHz. */
const COMPLEXITY = 5;
const EXPECTED_LOSS_PERCENT = 5;
const FRAMES_PER_PACKET_MAX = 48;

/**
 * Samples at 8 kHz that a packet holds, by its first two bytes (RFC 6716 §3.1, §3.2); 0: no packet,
 * or one of more than 120 ms.
 *
 *      0 1 2 3 4 5 6 7
 *     |  config |s| c |
 */
export function opusSampleCount(packet: Uint8Array): number {
  const [toc, second] = packet;
  if (toc === undefined) return 0;
  const code = toc & 0x03;
  if (code === 3 && second === undefined) return 0;
  const frames = code === 0 ? 1 : code === 3 ? (second as number) & 0x3f : 2;
  const samples = frames * frameMs(toc >> 3) * SAMPLES_PER_MS;
  return frames <= FRAMES_PER_PACKET_MAX && samples <= 120 * SAMPLES_PER_MS ? samples : 0;
}

/** RFC 6716 §3.1 table 2. */
function frameMs(config: number): number {
  if (config < 12) return [10, 20, 40, 60][config & 3] as number;
  if (config < 16) return config & 1 ? 20 : 10;
  return [2.5, 5, 10, 20][config & 3] as number;
}

/** Speech of 8 kHz to Opus packets (RFC 6716). One encoder a stream; the memory is not JavaScript's. */
export class OpusEncoder {
  readonly #encoder: Encoder;

  constructor() {
    this.#encoder = new Encoder({
      channels: 1,
      sample_rate: SAMPLE_RATE_HZ,
      application: 'voip',
    });
    this.#encoder.ctl(SET_BITRATE, BITRATE_BPS);
    this.#encoder.ctl(SET_COMPLEXITY, COMPLEXITY);
    this.#encoder.ctl(SET_INBAND_FEC, 1);
    this.#encoder.ctl(SET_PACKET_LOSS, EXPECTED_LOSS_PERCENT);
  }

  /** A frame of 20 ms as one packet. */
  encode(samples: Int16Array): Uint8Array {
    return this.#encoder.encode(samples);
  }

  /** Idempotent; nothing is encoded afterwards. */
  close(): void {
    this.#encoder.drop();
  }
}

/** Opus packets of any bandwidth, mono or stereo, to mono samples of 8 kHz. One decoder a source. */
export class OpusDecoder {
  readonly #decoder = new Decoder({ channels: 1, sample_rate: SAMPLE_RATE_HZ });

  /** Fills `target` with what the packet holds; silence where it cannot be read. */
  decode(packet: Uint8Array, target: Int16Array): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#decoder.decode(packet);
    } catch {
      // libopus found it broken inside; its place in time is known all the same.
      target.fill(0);
      return;
    }
    const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
    target.set(samples.subarray(0, target.length));
    if (samples.length < target.length) target.fill(0, samples.length);
  }

  /** Idempotent; nothing is decoded afterwards. */
  close(): void {
    this.#decoder.drop();
  }
}
