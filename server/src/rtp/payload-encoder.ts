import { ALAW_SILENCE, encodeAlaw, encodeMulaw, MULAW_SILENCE } from '../audio/g711.ts';
import { G722Encoder } from '../audio/g722.ts';
import { OpusEncoder } from '../audio/opus.ts';

const FRAME_SAMPLES = 160;

/** Frames of 20 ms to the payload of a codec that remembers what it has said. */
export class PayloadEncoder {
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  readonly #octets = new Uint8Array(FRAME_SAMPLES);
  #g722: G722Encoder | null = null;
  #opus: OpusEncoder | null = null;

  /** Valid until the next call. A frame that is short, or null, is filled with silence. */
  encode(codec: 'G722' | 'OPUS', frame: Int16Array | null): Uint8Array {
    const whole = this.#wholeFrame(frame);
    if (codec === 'OPUS') {
      this.#opus ??= new OpusEncoder();
      return this.#opus.encode(whole);
    }
    this.#g722 ??= new G722Encoder();
    this.#g722.encode(whole, this.#octets);
    return this.#octets;
  }

  /** Idempotent. */
  close(): void {
    this.#opus?.close();
    this.#opus = null;
    this.#g722 = null;
  }

  #wholeFrame(frame: Int16Array | null): Int16Array {
    if (frame?.length === FRAME_SAMPLES) return frame;
    this.#frame.fill(0);
    if (frame) this.#frame.set(frame.subarray(0, FRAME_SAMPLES));
    return this.#frame;
  }
}

/** Writes a frame of G.711 into `target` from `offset` on, 160 bytes. */
export function encodeG711(
  codec: 'PCMU' | 'PCMA',
  frame: Int16Array | null,
  target: Uint8Array,
  offset: number,
): void {
  if (frame?.length !== FRAME_SAMPLES) {
    target.fill(codec === 'PCMU' ? MULAW_SILENCE : ALAW_SILENCE, offset);
  }
  if (!frame) return;
  const samples = frame.length > FRAME_SAMPLES ? frame.subarray(0, FRAME_SAMPLES) : frame;
  if (codec === 'PCMU') encodeMulaw(samples, target, offset);
  else encodeAlaw(samples, target, offset);
}
