import { upsampleByTwo } from '../../audio/half-band.ts';
import { JobQueue } from './job-queue.ts';
import { MoonshineModel } from './moonshine-model.ts';
import { loadOnnxRuntime } from './onnx-runtime.ts';
import { serveJobs, serveThread } from './serve-thread.ts';
import type { TranscribeResult, TranscribeWork } from './speech-protocol.ts';

const MAX_WAITING_JOBS = 128;
/**
 * Silence put behind the samples: 200 ms at 8 kHz. Where the audio ends with the last sound the
 * model leaves the full stop out, which tells whether a sentence is complete.
 */
const TRAILING_SILENCE_SAMPLES = 1_600;

await serveThread(async ({ backend }) => {
  const runtime = await loadOnnxRuntime(backend);
  const model = await MoonshineModel.load(runtime);
  // The first run allocates; better now than in a caller's first turn.
  await model.recognize(new Float32Array(16_000), {
    expectDigits: false,
    signal: new AbortController().signal,
  });
  const queue = new JobQueue(MAX_WAITING_JOBS);
  let done = 0;
  let runs = 0;
  let busyMs = 0;

  async function transcribe(work: TranscribeWork, signal: AbortSignal): Promise<TranscribeResult> {
    const startedMs = performance.now();
    runs++;
    try {
      const padded = new Int16Array(work.samples.length + TRAILING_SILENCE_SAMPLES);
      padded.set(work.samples);
      const samples = upsampleByTwo(padded);
      const { text, confidence } = await model.recognize(samples, {
        expectDigits: work.expectDigits,
        signal,
      });
      done++;
      return { text, confidence, processingMs: performance.now() - startedMs };
    } finally {
      busyMs += performance.now() - startedMs;
    }
  }

  return {
    backend: runtime.backend,
    connect: (line) => void serveJobs(line, queue, transcribe),
    stats: () => ({
      done,
      runs,
      waiting: queue.waitingCount,
      waitP95Ms: queue.waitP95Ms(),
      busyMs,
      cacheHits: 0,
    }),
  };
});
