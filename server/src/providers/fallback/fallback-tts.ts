import type { Clock } from '../../shared/clock.ts';
import { streamWithRetry } from '../net/retry-once.ts';
import type { TtsProvider, TtsRequest } from '../tts.ts';
import type { CandidateList } from './candidate-list.ts';

/** A voice with the name that its own provider knows it by. */
export interface VoiceCandidate {
  readonly name: string;
  tts: TtsProvider;
  voice: string;
  speed: number;
}

/** Samples of a character at normal speed: about 15 characters a second. */
const SAMPLES_PER_CHAR = 8_000 / 15;

/** Voices in an order: when one dies, the next goes on with the same sentence. */
export function createFallbackTts(
  candidates: CandidateList<VoiceCandidate>,
  clock: Clock,
): TtsProvider {
  return {
    get name() {
      return candidates.current.name;
    },
    synthesize: (request) => synthesize(candidates, clock, request),
  };
}

async function* synthesize(
  candidates: CandidateList<VoiceCandidate>,
  clock: Clock,
  request: TtsRequest,
): AsyncGenerator<Int16Array, void, void> {
  const { signal } = request;
  let text = request.text;
  while (text !== '') {
    const candidate = candidates.current;
    const { tts, voice, speed } = candidate;
    let sampleCount = 0;
    try {
      const chunks = streamWithRetry(() => tts.synthesize({ ...request, text, voice, speed }), {
        clock,
        signal,
        hasNext: true,
      });
      for await (const samples of chunks) {
        sampleCount += samples.length;
        yield samples;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!candidates.passOver(candidate, error)) throw error;
      text = textAfter(text, (sampleCount * speed) / SAMPLES_PER_CHAR);
    }
  }
}

/** What is left of a sentence when about `charCount` of its characters were said; whole words only. */
export function textAfter(text: string, charCount: number): string {
  if (charCount < 1) return text;
  if (charCount >= text.length) return '';
  const at = text.lastIndexOf(' ', Math.floor(charCount));
  return at <= 0 ? text : text.slice(at + 1).trim();
}
