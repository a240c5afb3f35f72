/**
 * Costs of embedded speech on this machine: `node bench/src/speech.ts [native|wasm]`. Prints
 * figures and asserts nothing. Models run in this thread, without the ways between threads, except
 * for the last line.
 */
import { loadavg } from 'node:os';
import { FliteVoice } from '../../server/src/providers/local/flite-voice.ts';
import { upsampleByTwo } from '../../server/src/audio/half-band.ts';
import { createLocalSpeech } from '../../server/src/providers/local/local-speech.ts';
import { MoonshineModel } from '../../server/src/providers/local/moonshine-model.ts';
import { loadOnnxRuntime } from '../../server/src/providers/local/onnx-runtime.ts';
import {
  SileroMemory,
  SileroModel,
  VAD_FRAME_SAMPLES,
} from '../../server/src/providers/local/silero-model.ts';
import { startSpeechService } from '../../server/src/providers/local/speech-service.ts';
import { systemClock } from '../../server/src/shared/clock.ts';
import { silentLogger } from '../../server/src/shared/logger.ts';

const SENTENCES = [
  'Yes please.',
  'I want to speak to a human.',
  'Sorry, could you repeat that please?',
  'I would like to make an appointment for next Tuesday.',
  'My phone number is five five five, zero one four seven.',
  'Could we move it to Friday at three thirty in the afternoon, if that is possible?',
];
const ROUNDS = 5;
const backend = process.argv[2] === 'wasm' ? 'wasm' : 'auto';
const signal = new AbortController().signal;
const result: Record<string, unknown> = {};

const quantiles = (values: number[]): { p50Ms: number; p95Ms: number; maxMs: number } => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number): number =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0).toFixed(2));
  return { p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
};
async function timed<T>(into: number[], work: () => Promise<T> | T): Promise<T> {
  const startedMs = performance.now();
  const value = await work();
  into.push(performance.now() - startedMs);
  return value;
}

const runtime = await loadOnnxRuntime(backend);
result['backend'] = runtime.backend;
const rssMb = (): number => Math.round(process.memoryUsage().rss / 1e6);
result['rssBeforeModelsMb'] = rssMb();

const loads: number[] = [];
const [silero, moonshine, flite] = await timed(loads, () =>
  Promise.all([SileroModel.load(runtime), MoonshineModel.load(runtime), FliteVoice.load()]),
);
result['loadMs'] = Math.round(loads[0] ?? 0);

const ttsMs: number[] = [];
const utterances: Int16Array[] = [];
for (let round = 0; round < ROUNDS; round++) {
  for (const text of SENTENCES) {
    const samples = await timed(ttsMs, () => flite.synthesize({ text, voice: 'rms', speed: 1 }));
    if (round === 0) utterances.push(samples);
  }
}
result['ttsPerSentence'] = quantiles(ttsMs);

const sttMs: number[] = [];
let audioMs = 0;
await moonshine.recognize(new Float32Array(16_000), { expectDigits: false, signal });
for (let round = 0; round < ROUNDS; round++) {
  for (const utterance of utterances) {
    audioMs += utterance.length / 8;
    await timed(sttMs, () =>
      moonshine.recognize(upsampleByTwo(utterance), { expectDigits: false, signal }),
    );
  }
}
result['sttPerUtterance'] = quantiles(sttMs);
result['sttRealTimeFactor'] = Number((sttMs.reduce((a, b) => a + b, 0) / audioMs).toFixed(3));

const speech = utterances.at(-1) ?? new Int16Array(0);
for (const size of [1, 32]) {
  const memories = Array.from({ length: size }, () => new SileroMemory());
  const runs = Math.floor(speech.length / VAD_FRAME_SAMPLES);
  const vadMs: number[] = [];
  for (let n = -20; n < runs; n++) {
    const at = Math.max(0, n) * VAD_FRAME_SAMPLES;
    const samples = speech.subarray(at, at + VAD_FRAME_SAMPLES);
    // The first runs allocate.
    await timed(n < 0 ? [] : vadMs, () =>
      silero.run(memories.map((memory) => ({ memory, samples }))),
    );
  }
  const meanMs = vadMs.reduce((a, b) => a + b, 0) / vadMs.length / size;
  result[`vadPerFrameAtBatch${size}Ms`] = Number(meanMs.toFixed(4));
}
result['rssWithModelsMb'] = rssMb();

const startMs: number[] = [];
const service = await timed(startMs, () =>
  startSpeechService({ backend, logger: silentLogger, clock: systemClock }),
);
const local = createLocalSpeech(service.connect());
const session = local.stt.open({ language: 'en' });
session.push(utterances[3] ?? new Int16Array(0));
const throughThreadsMs: number[] = [];
for (let n = 0; n < 10; n++) {
  await timed(throughThreadsMs, () => session.transcribe({ expectDigits: false, signal }));
}
result['serviceStartMs'] = Math.round(startMs[0] ?? 0);
result['sttThroughThreads'] = quantiles(throughThreadsMs);
result['loadAverage'] = Number((loadavg()[0] ?? 0).toFixed(2));
local.close();
await service.close();

console.log(JSON.stringify(result, null, 2));
