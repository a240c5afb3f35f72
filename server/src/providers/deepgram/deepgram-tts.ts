import { endpointUrl } from '../net/endpoint-url.ts';
import { createHttpTts } from '../net/http-tts.ts';
import type { TtsAdapterOptions } from '../net/tts-options.ts';
import type { TtsProvider } from '../tts.ts';
import { DEEPGRAM_BASE_URL } from './deepgram-stt.ts';

/** Deepgram's `/v1/speak`, as mu-law at 8 kHz; a voice is a model, `aura-2-thalia-en` say. */
export function createDeepgramTts(options: TtsAdapterOptions): TtsProvider {
  const { apiKey, baseUrl = DEEPGRAM_BASE_URL } = options;
  return createHttpTts({
    name: 'deepgram',
    access: options,
    format: { encoding: 'mulaw', sampleRateHz: 8_000 },
    maxChars: 2_000,
    request: (text, voice, speed) => {
      const query = new URLSearchParams({
        model: voice,
        encoding: 'mulaw',
        sample_rate: '8000',
        container: 'none',
        ...(speed !== 1 && { speed: String(speed) }),
      });
      return {
        url: `${endpointUrl(baseUrl, '/v1/speak')}?${query.toString()}`,
        headers: { authorization: `Token ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
      };
    },
  });
}
