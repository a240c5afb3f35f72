import { FLITE_VOICES, FliteVoice, type FliteVoiceName } from './flite-voice.ts';
import { JobQueue } from './job-queue.ts';
import { SampleCache } from './sample-cache.ts';
import { serveJobs, serveThread } from './serve-thread.ts';
import type { SynthesizeResult, SynthesizeWork } from './speech-protocol.ts';

const MAX_WAITING_JOBS = 256;
/** Two minutes of speech. */
const CACHE_SAMPLES = 120 * 8_000;

await serveThread(async () => {
  const flite = await FliteVoice.load();
  // The first sentence compiles the code paths; better now than in the first greeting.
  flite.synthesize({ text: 'Ready.', voice: 'slt', speed: 1 });
  const queue = new JobQueue(MAX_WAITING_JOBS);
  const cache = new SampleCache(CACHE_SAMPLES);
  let done = 0;
  let runs = 0;
  let busyMs = 0;
  let cacheHits = 0;

  function synthesize(work: SynthesizeWork): SynthesizeResult {
    const key = `${work.voice}\n${work.speed}\n${work.text}`;
    const cached = cache.get(key);
    done++;
    if (cached !== undefined) {
      cacheHits++;
      return { samples: cached };
    }
    const startedMs = performance.now();
    runs++;
    const samples = flite.synthesize({ ...work, voice: knownVoice(work.voice) });
    busyMs += performance.now() - startedMs;
    cache.set(key, samples);
    return { samples };
  }

  return {
    backend: 'wasm',
    connect: (line) => void serveJobs(line, queue, synthesize),
    stats: () => ({
      done,
      runs,
      waiting: queue.waitingCount,
      waitP95Ms: queue.waitP95Ms(),
      busyMs,
      cacheHits,
    }),
  };
});

function knownVoice(name: string): FliteVoiceName {
  const voice = FLITE_VOICES.find((known) => known === name);
  if (voice === undefined) throw new Error(`no voice named ${name}`);
  return voice;
}
