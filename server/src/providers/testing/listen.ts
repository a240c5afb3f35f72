import type { SttProvider, Transcript } from '../stt.ts';
import type { TtsProvider } from '../tts.ts';
import type { VadProvider } from '../vad.ts';

/** Everything that a voice says for `text`, in one piece. */
export async function speak(tts: TtsProvider, text: string, voice = 'rms'): Promise<Int16Array> {
  const chunks: Int16Array[] = [];
  const signal = new AbortController().signal;
  for await (const chunk of tts.synthesize({ text, voice, speed: 1, signal })) chunks.push(chunk);
  const all = new Int16Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Probabilities of speech of all whole frames of `samples`. */
export function judge(vad: VadProvider, samples: Int16Array): Promise<number[]> {
  const frameSamples = vad.frameMs * 8;
  const frameCount = Math.floor(samples.length / frameSamples);
  return new Promise((resolve) => {
    const probabilities: number[] = [];
    const session = vad.open((probability) => {
      if (probabilities.push(probability) < frameCount) return;
      session.close();
      resolve(probabilities);
    });
    session.push(samples.subarray(0, frameCount * frameSamples));
  });
}

/** What a recogniser makes of one utterance. */
export async function hear(
  stt: SttProvider,
  samples: Int16Array,
  expectDigits = false,
): Promise<Transcript> {
  const session = stt.open({ language: 'en' });
  try {
    session.begin();
    session.push(samples);
    return await session.transcribe({ expectDigits, signal: new AbortController().signal });
  } finally {
    session.close();
  }
}
