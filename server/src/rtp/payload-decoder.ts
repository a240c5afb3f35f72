import { decodeAlaw, decodeMulaw } from '../audio/g711.ts';
import { G722Decoder } from '../audio/g722.ts';
import { OpusDecoder, opusSampleCount } from '../audio/opus.ts';
import type { CodecName } from '../sdp/sdp.ts';

/** Payloads of a source to samples of 8 kHz, in order of sequence. G.711 remembers nothing; the others do. */
export class PayloadDecoder {
  #g722: G722Decoder | null = null;
  #opus: OpusDecoder | null = null;

  /** Fills `target`, which has `sampleCountOf(codec, payload)` samples. */
  decode(codec: CodecName, payload: Uint8Array, target: Int16Array): void {
    switch (codec) {
      case 'PCMU':
        decodeMulaw(payload, target);
        return;
      case 'PCMA':
        decodeAlaw(payload, target);
        return;
      case 'G722':
        this.#g722 ??= new G722Decoder();
        this.#g722.decode(payload, target);
        return;
      case 'OPUS':
        this.#opus ??= new OpusDecoder();
        this.#opus.decode(payload, target);
    }
  }

  /** Another source, or another codec of it, begins. */
  reset(): void {
    this.#g722 = null;
    this.#opus?.close();
    this.#opus = null;
  }
}

/** Samples at 8 kHz that a payload holds; 0: none that can be read. */
export function sampleCountOf(codec: CodecName, payload: Uint8Array): number {
  return codec === 'OPUS' ? opusSampleCount(payload) : payload.length;
}
