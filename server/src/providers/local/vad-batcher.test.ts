import { beforeAll, describe, expect, it } from 'vitest';
import { FliteVoice } from './flite-voice.ts';
import { loadOnnxRuntime } from './onnx-runtime.ts';
import { SileroMemory, SileroModel, VAD_FRAME_SAMPLES } from './silero-model.ts';
import { VadBatcher, type BatchConsumer } from './vad-batcher.ts';

let model: SileroModel;
let speech: Int16Array;
beforeAll(async () => {
  model = await SileroModel.load(await loadOnnxRuntime('auto'));
  const flite = await FliteVoice.load();
  speech = flite.synthesize({ text: 'Good morning, how are you today?', voice: 'rms', speed: 1 });
});

const frame = (n: number): Int16Array =>
  speech.slice(n * VAD_FRAME_SAMPLES, (n + 1) * VAD_FRAME_SAMPLES);

/** The probabilities of `frames`, one stream alone in each run. */
async function alone(frames: readonly Int16Array[]): Promise<number[]> {
  const memory = new SileroMemory();
  const probabilities: number[] = [];
  for (const samples of frames) {
    probabilities.push((await model.run([{ memory, samples }]))[0] ?? -1);
  }
  return probabilities;
}

describe('SileroModel', () => {
  it('gives each stream of a batch what it gives it alone', async () => {
    const streams = Array.from({ length: 7 }, (_, s) =>
      Array.from({ length: 20 }, (_, n) => frame((s * 3 + n) % 40)),
    );
    const expected = await Promise.all(streams.map(alone));
    const memories = streams.map(() => new SileroMemory());
    for (let n = 0; n < 20; n++) {
      const batch = streams.map((frames, s) => ({
        memory: memories[s] as SileroMemory,
        samples: frames[n] as Int16Array,
      }));
      const probabilities = await model.run(batch);
      probabilities.forEach((p, s) => expect(p).toBeCloseTo(expected[s]?.[n] ?? -1, 4));
    }
  });
});

describe('VadBatcher', () => {
  function connect(batcher: VadBatcher, expected: number) {
    const answers: { session: number; probability: number }[] = [];
    const finished = Promise.withResolvers<void>();
    const consumer = batcher.connect(({ sessions, probabilities }) => {
      sessions.forEach((session, n) =>
        answers.push({ session, probability: probabilities[n] ?? -1 }),
      );
      if (answers.length === expected) finished.resolve();
    });
    return { consumer, answers, finished: finished.promise };
  }
  const push = (consumer: BatchConsumer, sessions: number[], frames: Int16Array[]): void => {
    const samples = new Int16Array(frames.length * VAD_FRAME_SAMPLES);
    frames.forEach((one, n) => samples.set(one, n * VAD_FRAME_SAMPLES));
    consumer.push(Int32Array.from(sessions), samples);
  };

  it('takes what waits into one run, one frame of a stream at a time and in order', async () => {
    const sizes: number[] = [];
    const batcher = new VadBatcher((inputs) => {
      sizes.push(inputs.length);
      return model.run(inputs);
    });
    const first = connect(batcher, 7);
    const second = connect(batcher, 2);
    push(first.consumer, [1], [frame(0)]);
    push(first.consumer, [1, 1, 2, 2, 3], [1, 2, 0, 1, 0].map(frame));
    push(second.consumer, [1, 1], [frame(0), frame(1)]);
    push(first.consumer, [1], [frame(3)]);
    await Promise.all([first.finished, second.finished]);
    expect(sizes).toEqual([1, 4, 3, 1]);
    const expected = await alone([0, 1, 2, 3].map(frame));
    const ofOne = first.answers.filter(({ session }) => session === 1);
    ofOne.forEach(({ probability }, n) => expect(probability).toBeCloseTo(expected[n] ?? -1, 4));
    // The same number in another consumer is another stream.
    second.answers.forEach(({ probability }, n) =>
      expect(probability).toBeCloseTo(expected[n] ?? -1, 4),
    );
    expect(batcher.stats()).toMatchObject({ done: 9, runs: 4, waiting: 0 });
  });

  it('forgets the frames of a stream that has ended', async () => {
    const batcher = new VadBatcher((inputs) => model.run(inputs));
    const { consumer, answers, finished } = connect(batcher, 2);
    push(consumer, [1], [frame(0)]);
    push(consumer, [2, 3, 2], [0, 0, 1].map(frame));
    consumer.end(2);
    await finished;
    expect(answers.map(({ session }) => session)).toEqual([1, 3]);
  });
});
