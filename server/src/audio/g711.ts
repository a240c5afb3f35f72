/** Value of silence on the wire: linear 0. */
export const MULAW_SILENCE = 0xff;
export const ALAW_SILENCE = 0xd5;

const MULAW_BIAS = 0x84;
const MULAW_CLIP = 32_635;

/** ITU-T G.711 table 2b: byte to linear. */
const mulawToLinear = Int16Array.from({ length: 256 }, (_, byte) => {
  const inverted = ~byte & 0xff;
  const magnitude = (((inverted & 0x0f) << 3) + MULAW_BIAS) << ((inverted & 0x70) >> 4);
  return inverted & 0x80 ? MULAW_BIAS - magnitude : magnitude - MULAW_BIAS;
});

/** ITU-T G.711 table 2a: byte to linear, even bits inverted. */
const alawToLinear = Int16Array.from({ length: 256 }, (_, byte) => {
  const value = byte ^ 0x55;
  const exponent = (value & 0x70) >> 4;
  const mantissa = (value & 0x0f) << 4;
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return value & 0x80 ? magnitude : -magnitude;
});

/** Indexed by the sample's 16 bits. */
const linearToMulaw = new Uint8Array(65_536);
const linearToAlaw = new Uint8Array(65_536);
for (let sample = -32_768; sample <= 32_767; sample++) {
  linearToMulaw[sample & 0xffff] = mulawByte(sample);
  linearToAlaw[sample & 0xffff] = alawByte(sample);
}

function mulawByte(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), MULAW_CLIP) + MULAW_BIAS;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

function alawByte(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80;
  // One's complement for negative values, so that -1 and 0 meet in the middle of the scale.
  const magnitude = sample < 0 ? ~sample : sample;
  const exponent = magnitude < 256 ? 0 : 31 - Math.clz32(magnitude) - 7;
  const mantissa = (exponent === 0 ? magnitude >> 4 : magnitude >> (exponent + 3)) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}

/** mu-law bytes to linear samples; into `target` where one is given. */
export function decodeMulaw(
  bytes: Uint8Array,
  target: Int16Array = new Int16Array(bytes.length),
): Int16Array {
  return decode(bytes, target, mulawToLinear);
}

export function decodeAlaw(
  bytes: Uint8Array,
  target: Int16Array = new Int16Array(bytes.length),
): Int16Array {
  return decode(bytes, target, alawToLinear);
}

/** Linear samples to mu-law bytes; into `target` from `offset` where one is given. */
export function encodeMulaw(
  samples: Int16Array,
  target: Uint8Array = new Uint8Array(samples.length),
  offset = 0,
): Uint8Array {
  return encode(samples, target, offset, linearToMulaw);
}

export function encodeAlaw(
  samples: Int16Array,
  target: Uint8Array = new Uint8Array(samples.length),
  offset = 0,
): Uint8Array {
  return encode(samples, target, offset, linearToAlaw);
}

function decode(bytes: Uint8Array, target: Int16Array, table: Int16Array): Int16Array {
  for (let i = 0; i < bytes.length; i++) target[i] = table[bytes[i] ?? 0] ?? 0;
  return target;
}

function encode(
  samples: Int16Array,
  target: Uint8Array,
  offset: number,
  table: Uint8Array,
): Uint8Array {
  for (let i = 0; i < samples.length; i++) {
    target[offset + i] = table[(samples[i] ?? 0) & 0xffff] ?? 0;
  }
  return target;
}
