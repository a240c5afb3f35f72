/** The part of `@evan/opus` that runs as WebAssembly everywhere: libopus, as far as we use it. */
declare module '@evan/opus/wasm/index.mjs' {
  interface OpusOptions {
    channels: 1 | 2;
    sample_rate: 8000 | 12000 | 16000 | 24000 | 48000;
  }

  export class Encoder {
    constructor(options: OpusOptions & { application: 'voip' | 'audio' | 'restricted_lowdelay' });
    ctl(request: number, value?: number): number;
    /** Samples of 16 bits to a packet. */
    encode(samples: ArrayBufferView): Uint8Array;
    /** Gives the memory back. */
    drop(): void;
  }

  export class Decoder {
    constructor(options: OpusOptions);
    /** A packet to samples of 16 bits; throws where it is none. */
    decode(packet: ArrayBufferView): Uint8Array;
    drop(): void;
  }
}
