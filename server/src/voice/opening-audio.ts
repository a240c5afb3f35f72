import { createHash } from 'node:crypto';
import { SampleCache } from '../providers/local/sample-cache.ts';
import type { TtsProvider, TtsRequest } from '../providers/tts.ts';
import type { Clock } from '../shared/clock.ts';

/** Five minutes of speech, 4.8 MB a worker. */
const CAPACITY_SAMPLES = 300 * 8_000;
/**
 * A voice is asked again at least this often: a phone must not ring for an agent whose voice has
 * been away for long.
 */
const PERIOD_MS = 300_000;

/**
 * First words that were synthesised a short while ago: most calls of an agent begin with the same
 * ones, and each call waits for them before its phone rings.
 */
export class OpeningAudio {
  readonly #cache: SampleCache;
  readonly #clock: Clock;

  constructor(clock: Clock, capacitySamples = CAPACITY_SAMPLES) {
    this.#clock = clock;
    this.#cache = new SampleCache(capacitySamples);
  }

  /**
   * The same voice with this memory.
   * @param identity everything that the sound depends on besides the request, keys included: nobody
   *   gets what another one's key has paid for.
   */
  remember(tts: TtsProvider, identity: unknown): TtsProvider {
    const own = createHash('sha256').update(JSON.stringify(identity)).digest('base64');
    return {
      name: tts.name,
      synthesize: (request) => this.#synthesize(tts, own, request),
    };
  }

  async *#synthesize(
    tts: TtsProvider,
    identity: string,
    request: TtsRequest,
  ): AsyncGenerator<Int16Array, void, void> {
    const period = Math.floor(this.#clock.monotonicMs() / PERIOD_MS);
    const key = JSON.stringify([period, identity, request.voice, request.speed, request.text]);
    const known = this.#cache.get(key);
    if (known) {
      yield known;
      return;
    }
    const heard: Int16Array[] = [];
    for await (const samples of tts.synthesize(request)) {
      heard.push(samples.slice());
      yield samples;
    }
    // What was cut short would be cut short for everybody.
    if (!request.signal.aborted) this.#cache.set(key, joined(heard));
  }
}

function joined(parts: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
