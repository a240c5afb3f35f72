import { ProviderError } from '../provider-error.ts';
import type { TtsProvider } from '../tts.ts';
import { FLITE_VOICES } from './flite-voice.ts';
import { SampleCache } from './sample-cache.ts';
import { SpeechJobs } from './speech-jobs.ts';
import {
  PRIORITY_LOW,
  PRIORITY_NORMAL,
  type SynthesizeResult,
  type SynthesizeWork,
} from './speech-protocol.ts';
import type { SpeechPorts } from './speech-ports.ts';

const NAME = 'local-tts';
/** A minute of speech in this thread: a greeting said before needs no other thread. */
const CACHE_SAMPLES = 60 * 8_000;

/** Embedded voices for the thread that holds `ports`; a sentence said before comes at once. */
export function createLocalTts(ports: SpeechPorts): TtsProvider & { close(): void } {
  const jobs = new SpeechJobs<SynthesizeWork, SynthesizeResult>(NAME, ports.tts);
  const cache = new SampleCache(CACHE_SAMPLES);
  return {
    name: NAME,
    async *synthesize({ text, voice, speed, signal, prefetch }) {
      signal.throwIfAborted();
      if (!FLITE_VOICES.some((known) => known === voice)) {
        throw new ProviderError(
          NAME,
          `has no voice "${voice}"; its voices are ${FLITE_VOICES.join(', ')}`,
          { retryable: false },
        );
      }
      const key = `${voice}\n${speed}\n${text}`;
      const cached = cache.get(key);
      if (cached !== undefined) {
        if (cached.length > 0) yield cached;
        return;
      }
      const priority = prefetch === true ? PRIORITY_LOW : PRIORITY_NORMAL;
      const { samples } = await jobs.run({ text, voice, speed }, { priority, signal });
      cache.set(key, samples);
      if (samples.length > 0) yield samples;
    },
    close: () => jobs.close(),
  };
}
