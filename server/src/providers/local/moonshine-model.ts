import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { digitTokens, textOfTokens } from './moonshine-vocabulary.ts';
import type { OnnxRuntime } from './onnx-runtime.ts';

const LAYERS = 6;
const HEADS = 8;
const HEAD_SIZE = 36;
const START_TOKEN = 1;
const END_TOKEN = 2;
const FORBIDDEN = -1e9;
const SAMPLE_RATE_HZ = 16_000;
/** Nobody speaks faster; a longer answer is a loop. */
const TOKENS_PER_SECOND = 6.5;
const MIN_TOKENS = 4;
/** Found to repair spoken digit strings without inventing digits in clean speech. */
const DIGIT_BIAS = 4;
/** The same tokens twice in a row: the decoder runs in circles. */
const LOOP_TOKENS = 4;
/** The encoder's convolutions need some input; a shorter sound is padded with silence. */
const MIN_SAMPLES = 4_000;
const MAX_SAMPLES = 30 * SAMPLE_RATE_HZ;

/** Text, and how sure the decoder was of its tokens, 0 to 1. */
export interface Recognition {
  text: string;
  confidence: number;
}

export interface RecognitionOptions {
  /** Favours digit words and figures. */
  expectDigits: boolean;
  /** Looked at between the steps of the decoder. */
  signal: AbortSignal;
}

/** Moonshine-tiny (English) with a greedy decoder of our own. */
export class MoonshineModel {
  readonly #runtime: OnnxRuntime;
  readonly #encoder: InferenceSession;
  readonly #decoder: InferenceSession;
  readonly #digits = digitTokens();

  private constructor(runtime: OnnxRuntime, encoder: InferenceSession, decoder: InferenceSession) {
    this.#runtime = runtime;
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  static async load(runtime: OnnxRuntime): Promise<MoonshineModel> {
    // The package has no CommonJS export: require.resolve would not find it.
    const entry = fileURLToPath(import.meta.resolve('@moonshine-ai/moonshine-js'));
    const folder = join(dirname(entry), 'model/tiny/quantized');
    const [encoder, decoder] = await Promise.all([
      runtime.load(join(folder, 'encoder_model.onnx')),
      runtime.load(join(folder, 'decoder_model_merged.onnx')),
    ]);
    return new MoonshineModel(runtime, encoder, decoder);
  }

  /**
   * @param samples 16 kHz mono, -1 to 1; what is beyond the first 30 s is not heard.
   * @throws the signal's reason when aborted between two steps.
   */
  async recognize(samples: Float32Array, options: RecognitionOptions): Promise<Recognition> {
    const { signal } = options;
    signal.throwIfAborted();
    const { Tensor } = this.#runtime;
    const audio = fitLength(samples);
    const encoded = await this.#encoder.run({
      input_values: new Tensor('float32', audio, [1, audio.length]),
    });
    const hidden = output(encoded, 'last_hidden_state');
    const cache = this.#emptyCache();
    const maxTokens = Math.max(
      MIN_TOKENS,
      Math.ceil((samples.length / SAMPLE_RATE_HZ) * TOKENS_PER_SECOND),
    );
    const tokens: number[] = [];
    let token = START_TOKEN;
    let logProbability = 0;
    let steps = 0;
    while (steps < maxTokens) {
      await letMessagesIn();
      signal.throwIfAborted();
      const result = await this.#decoder.run({
        input_ids: new Tensor('int64', BigInt64Array.of(BigInt(token)), [1, 1]),
        encoder_hidden_states: hidden,
        use_cache_branch: new Tensor('bool', Uint8Array.of(steps > 0 ? 1 : 0), [1]),
        ...cache,
      });
      const logits = output(result, 'logits').data as Float32Array;
      this.#bias(logits, steps, options.expectDigits);
      const best = pickBest(logits);
      logProbability += best.logProbability;
      token = best.token;
      steps++;
      if (token === END_TOKEN) break;
      tokens.push(token);
      if (isLooping(tokens)) break;
      takeOver(cache, result, steps === 1);
    }
    return { text: textOfTokens(tokens), confidence: Math.exp(logProbability / steps) };
  }

  #bias(logits: Float32Array, step: number, expectDigits: boolean): void {
    if (expectDigits) {
      for (const token of this.#digits) logits[token] = (logits[token] ?? 0) + DIGIT_BIAS;
      // Favoured as well, else the answer never ends.
      logits[END_TOKEN] = (logits[END_TOKEN] ?? 0) + DIGIT_BIAS;
    }
    // Left free, the first token ends the text and spoken digit strings come back empty.
    if (step === 0) logits[END_TOKEN] = FORBIDDEN;
  }

  #emptyCache(): Record<string, Tensor> {
    const cache: Record<string, Tensor> = {};
    for (let layer = 0; layer < LAYERS; layer++) {
      for (const side of ['decoder', 'encoder']) {
        for (const part of ['key', 'value']) {
          cache[`past_key_values.${layer}.${side}.${part}`] = new this.#runtime.Tensor(
            'float32',
            new Float32Array(0),
            [0, HEADS, 1, HEAD_SIZE],
          );
        }
      }
    }
    return cache;
  }
}

/** The encoder's keys and values are computed once, in the first step; the decoder's grow. */
function takeOver(
  cache: Record<string, Tensor>,
  result: InferenceSession.ReturnType,
  firstStep: boolean,
): void {
  for (const name of Object.keys(cache)) {
    if (firstStep || name.includes('.decoder.')) {
      cache[name] = output(result, name.replace('past_key_values', 'present'));
    }
  }
}

function output(result: InferenceSession.ReturnType, name: string): Tensor {
  const tensor = result[name];
  if (tensor === undefined) throw new Error(`the speech model gave no ${name}`);
  return tensor;
}

function fitLength(samples: Float32Array): Float32Array {
  if (samples.length > MAX_SAMPLES) return samples.slice(0, MAX_SAMPLES);
  if (samples.length >= MIN_SAMPLES) return samples;
  const padded = new Float32Array(MIN_SAMPLES);
  padded.set(samples);
  return padded;
}

function pickBest(logits: Float32Array): { token: number; logProbability: number } {
  let token = 0;
  let max = -Infinity;
  for (let t = 0; t < logits.length; t++) {
    const logit = logits[t] ?? -Infinity;
    if (logit > max) {
      max = logit;
      token = t;
    }
  }
  let sum = 0;
  for (let t = 0; t < logits.length; t++) sum += Math.exp((logits[t] ?? -Infinity) - max);
  return { token, logProbability: -Math.log(sum) };
}

function isLooping(tokens: readonly number[]): boolean {
  if (tokens.length < 2 * LOOP_TOKENS) return false;
  const last = tokens.slice(-LOOP_TOKENS);
  const before = tokens.slice(-2 * LOOP_TOKENS, -LOOP_TOKENS);
  return last.every((token, i) => token === before[i]);
}

/** A turn of the event loop, so that an abort that was posted to this thread arrives. */
function letMessagesIn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
