import { fileURLToPath } from 'node:url';
import type { InferenceSession } from 'onnxruntime-web';
import type { OnnxRuntime } from './onnx-runtime.ts';

/** Samples of one judgement at 8 kHz: 32 ms. */
export const VAD_FRAME_SAMPLES = 256;
/** Milliseconds of one judgement. */
export const VAD_FRAME_MS = 32;
/** The model wants the end of the frame before; without it, it still answers, but wrongly. */
const CONTEXT_SAMPLES = 32;
const INPUT_SAMPLES = CONTEXT_SAMPLES + VAD_FRAME_SAMPLES;
/** State is [2, N, 128]: two layers, stream by stream. */
const LAYERS = 2;
const STATE_SIZE = 128;

/** What the model remembers of one stream. */
export class SileroMemory {
  readonly state = new Float32Array(LAYERS * STATE_SIZE);
  readonly context = new Float32Array(CONTEXT_SAMPLES);
}

/** One frame of one stream. */
export interface SileroInput {
  memory: SileroMemory;
  /** `VAD_FRAME_SAMPLES` linear samples at 8 kHz. */
  samples: Int16Array;
}

/** Silero VAD v5 at its native 8 kHz; many streams in one run. */
export class SileroModel {
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;

  private constructor(runtime: OnnxRuntime, session: InferenceSession) {
    this.#runtime = runtime;
    this.#session = session;
  }

  static async load(runtime: OnnxRuntime): Promise<SileroModel> {
    const file = fileURLToPath(import.meta.resolve('@ricky0123/vad-web/dist/silero_vad_v5.onnx'));
    return new SileroModel(runtime, await runtime.load(file));
  }

  /** Probabilities of speech, 0 to 1, and the memories moved on. Each memory at most once a run. */
  async run(inputs: readonly SileroInput[]): Promise<Float32Array> {
    const count = inputs.length;
    const { Tensor } = this.#runtime;
    const audio = new Float32Array(count * INPUT_SAMPLES);
    const state = new Float32Array(LAYERS * count * STATE_SIZE);
    inputs.forEach(({ memory, samples }, n) => {
      const at = n * INPUT_SAMPLES;
      audio.set(memory.context, at);
      for (let i = 0; i < VAD_FRAME_SAMPLES; i++) {
        audio[at + CONTEXT_SAMPLES + i] = (samples[i] ?? 0) / 32768;
      }
      memory.context.set(audio.subarray(at + VAD_FRAME_SAMPLES, at + INPUT_SAMPLES));
      for (let layer = 0; layer < LAYERS; layer++) {
        state.set(
          memory.state.subarray(layer * STATE_SIZE, (layer + 1) * STATE_SIZE),
          (layer * count + n) * STATE_SIZE,
        );
      }
    });
    const result = await this.#session.run({
      input: new Tensor('float32', audio, [count, INPUT_SAMPLES]),
      state: new Tensor('float32', state, [LAYERS, count, STATE_SIZE]),
      sr: new Tensor('int64', BigInt64Array.of(8000n), []),
    });
    const next = floats(result['stateN']?.data);
    inputs.forEach(({ memory }, n) => {
      for (let layer = 0; layer < LAYERS; layer++) {
        const at = (layer * count + n) * STATE_SIZE;
        memory.state.set(next.subarray(at, at + STATE_SIZE), layer * STATE_SIZE);
      }
    });
    return floats(result['output']?.data).slice(0, count);
  }
}

function floats(data: unknown): Float32Array {
  if (!(data instanceof Float32Array)) throw new Error('the VAD model gave no floats');
  return data;
}
