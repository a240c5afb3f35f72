import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { encodeMulaw, MULAW_SILENCE } from '../../../server/src/audio/g711.ts';
import { readWav } from '../../../server/src/audio/wav.ts';
import { FliteVoice } from '../../../server/src/providers/local/flite-voice.ts';
import type { Utterance } from './caller.ts';
import { AUDIBLE_RMS } from './loudness.ts';

/** Said by a synthetic voice: short and long, none that would end a conversation. */
const SENTENCES: readonly string[] = [
  'Yes please.',
  'The blue one is fine.',
  'We are two adults and one child.',
  'I would like a table near the window.',
  'Could we come a little later in the evening?',
  'My sister told me that the food there is very good.',
];
/** Recorded prompts of one speaker, from Debian's asterisk-core-sounds-en-wav. */
const PROMPTS_FOLDER = '/usr/share/asterisk/sounds/en_US_f_Allison';
const PROMPTS: readonly string[] = [
  'please-try-again',
  'conf-enteringno',
  'number-not-answering',
  'vm-tooshort',
  'pls-hold-while-try',
  'queue-thankyou',
  'cannot-complete-as-dialed',
  'conf-invalidpin',
];
const FRAME_SAMPLES = 160;
/** Loudness is judged over 5 ms. */
const WINDOW_SAMPLES = 40;

/** What callers say: `synthetic` sentences, and `recorded` ones where the machine has them. */
export interface CallerSpeech {
  synthetic: Utterance[];
  recorded: Utterance[];
}

/** Synthesises the sentences once a machine: the audio is kept in the temporary folder. */
export async function loadCallerSpeech(): Promise<CallerSpeech> {
  const synthetic = (await synthesized()).map((samples, i) =>
    utterance(SENTENCES[i] ?? '', samples),
  );
  const recorded: Utterance[] = [];
  for (const name of PROMPTS) {
    const file = path.join(PROMPTS_FOLDER, `${name}.wav`);
    if (!existsSync(file)) continue;
    const wav = readWav(await readFile(file));
    const [samples] = wav.channels;
    if (wav.sampleRateHz === 8_000 && samples) recorded.push(utterance(name, samples));
  }
  return { synthetic, recorded };
}

/** Cuts `samples` to what is audible and encodes it. The last frame is filled up with silence. */
export function utterance(name: string, samples: Int16Array): Utterance {
  const { from, to } = audiblePart(samples);
  const encoded = encodeMulaw(samples.subarray(from, to));
  const frames: Uint8Array[] = [];
  for (let at = 0; at < encoded.length; at += FRAME_SAMPLES) {
    const frame = new Uint8Array(FRAME_SAMPLES).fill(MULAW_SILENCE);
    frame.set(encoded.subarray(at, at + FRAME_SAMPLES));
    frames.push(frame);
  }
  return { name, frames };
}

/** Sample offsets of the first and behind the last window that is audible. */
export function audiblePart(samples: Int16Array): { from: number; to: number } {
  let from = -1;
  let to = 0;
  for (let at = 0; at + WINDOW_SAMPLES <= samples.length; at += WINDOW_SAMPLES) {
    let sum = 0;
    for (const sample of samples.subarray(at, at + WINDOW_SAMPLES)) sum += sample * sample;
    if (sum < AUDIBLE_RMS * AUDIBLE_RMS * WINDOW_SAMPLES) continue;
    if (from < 0) from = at;
    to = at + WINDOW_SAMPLES;
  }
  return { from: Math.max(0, from), to };
}

async function synthesized(): Promise<Int16Array[]> {
  const key = createHash('sha256').update(SENTENCES.join('\n')).digest('hex').slice(0, 12);
  const folder = path.join(os.tmpdir(), `trunkline-bench-speech-${key}`);
  await mkdir(folder, { recursive: true });
  let voice: FliteVoice | null = null;
  const all: Int16Array[] = [];
  for (const [i, text] of SENTENCES.entries()) {
    const file = path.join(folder, `${i}.s16`);
    if (!existsSync(file)) {
      voice ??= await FliteVoice.load();
      const samples = voice.synthesize({ text, voice: 'rms', speed: 1 });
      // Renamed when it is whole: several benchmarks may start at once.
      await writeFile(`${file}.${process.pid}`, Buffer.from(samples.buffer));
      await rename(`${file}.${process.pid}`, file);
    }
    const bytes = await readFile(file);
    all.push(Int16Array.from({ length: bytes.length >> 1 }, (_, n) => bytes.readInt16LE(2 * n)));
  }
  return all;
}
