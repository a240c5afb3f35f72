import { resample } from '../../audio/resample.ts';
import { wavHeader } from '../../audio/wav.ts';

const LINE_RATE_HZ = 8_000;

/** A WAV of linear 8 kHz samples, at the rate that somebody wants it. Default 8,000. */
export function wavOf(samples: Int16Array, sampleRateHz = LINE_RATE_HZ): Uint8Array<ArrayBuffer> {
  const wanted =
    sampleRateHz === LINE_RATE_HZ ? samples : resample(samples, LINE_RATE_HZ, sampleRateHz);
  const bytes = Buffer.from(wanted.buffer, wanted.byteOffset, wanted.byteLength);
  const header = wavHeader({ sampleRateHz, channelCount: 1, dataBytes: bytes.length });
  const whole = new Uint8Array(header.length + bytes.length);
  whole.set(header);
  whole.set(bytes, header.length);
  return whole;
}
