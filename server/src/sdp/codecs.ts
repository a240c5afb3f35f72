import type { CodecName } from './sdp.ts';

/** How a codec is named in a session description. */
export interface CodecDescription {
  /** What we offer it with: static where RFC 3551 has one, else of the dynamic range. */
  payloadType: number;
  /** Whether `payloadType` means it without an rtpmap too (RFC 3551 §6). */
  isStatic: boolean;
  encoding: string;
  /** Of its RTP timestamps. */
  clockRateHz: number;
  /** Behind the clock rate in a=rtpmap; null: mono, which needs no word. */
  channels: number | null;
  /** Value of our a=fmtp; null: none. */
  parameters: string | null;
}

const G711 = { isStatic: true, clockRateHz: 8_000, channels: null, parameters: null };

export const CODECS: Readonly<Record<CodecName, CodecDescription>> = {
  PCMU: { ...G711, payloadType: 0, encoding: 'PCMU' },
  PCMA: { ...G711, payloadType: 8, encoding: 'PCMA' },
  // RFC 3551 §4.5.2: sampled at 16 kHz, but with a clock of 8 kHz, by an error that stayed.
  G722: { ...G711, payloadType: 9, encoding: 'G722' },
  // RFC 7587 §7: always 48000 and 2, whatever is sent.
  OPUS: {
    payloadType: 111,
    isStatic: false,
    encoding: 'opus',
    clockRateHz: 48_000,
    channels: 2,
    parameters: 'maxplaybackrate=8000;sprop-maxcapturerate=8000;stereo=0;useinbandfec=1',
  },
};

/** RFC 4733 §2.1: digits have the clock of the audio, and so a payload type for each clock. */
export const DTMF_PAYLOAD_TYPES: ReadonlyMap<number, number> = new Map([
  [8_000, 101],
  [48_000, 110],
]);

/** Whether a word names a codec of ours. */
export function isCodecName(name: string): name is CodecName {
  return Object.hasOwn(CODECS, name);
}
