import { createLocalStt } from '../../../server/src/providers/local/local-stt.ts';
import { startSpeechService } from '../../../server/src/providers/local/speech-service.ts';
import { systemClock } from '../../../server/src/shared/clock.ts';
import { silentLogger } from '../../../server/src/shared/logger.ts';

const SAMPLE_RATE_HZ = 8_000;
const FRAME_SAMPLES = 160;
const AUDIBLE_RMS = 150;
const PAUSE_FRAMES = 35;
const LONGEST_S = 25;

/** Tells what is said in recordings, by the project's own recogniser. */
export interface Judge {
  /** One text for each stretch of speech between longer pauses. */
  transcribe(samples: Int16Array): Promise<string[]>;
  close(): Promise<void>;
}

export async function startJudge(): Promise<Judge> {
  const service = await startSpeechService({ logger: silentLogger, clock: systemClock });
  const stt = createLocalStt(service.connect());
  return {
    async transcribe(samples) {
      const session = stt.open({ language: 'en' });
      const texts: string[] = [];
      for (const part of spokenParts(samples)) {
        session.begin();
        session.push(part);
        const signal = new AbortController().signal;
        texts.push((await session.transcribe({ expectDigits: false, signal })).text);
      }
      session.close();
      return texts;
    },
    async close() {
      stt.close();
      await service.close();
    },
  };
}

/** How many of the words of `text` are in `other`; 0 to 1. */
export function shareOf(text: string, other: string): number {
  const words = wordsOf(text);
  const known = new Set(wordsOf(other));
  return words.filter((word) => known.has(word)).length / Math.max(1, words.length);
}

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9']+/g) ?? [];
}

function spokenParts(samples: Int16Array): Int16Array[] {
  const parts: Int16Array[] = [];
  let from = -1;
  let lastLoud = -1;
  for (let at = 0; at + FRAME_SAMPLES <= samples.length; at += FRAME_SAMPLES) {
    const frame = samples.subarray(at, at + FRAME_SAMPLES);
    const loud = Math.sqrt(frame.reduce((sum, s) => sum + s * s, 0) / FRAME_SAMPLES) > AUDIBLE_RMS;
    if (loud) {
      if (from < 0) from = at;
      lastLoud = at;
    }
    const paused = from >= 0 && at - lastLoud > PAUSE_FRAMES * FRAME_SAMPLES;
    if (paused || (from >= 0 && at - from > LONGEST_S * SAMPLE_RATE_HZ)) {
      parts.push(cut(samples, from, lastLoud));
      from = -1;
    }
  }
  if (from >= 0) parts.push(cut(samples, from, lastLoud));
  // Shorter than a quarter of a second is a click.
  return parts.filter((part) => part.length > SAMPLE_RATE_HZ / 4);
}

function cut(samples: Int16Array, from: number, lastLoud: number): Int16Array {
  return samples.subarray(Math.max(0, from - 1_600), lastLoud + 1_600);
}
