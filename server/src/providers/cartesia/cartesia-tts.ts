import { endpointUrl, withoutRegion } from '../net/endpoint-url.ts';
import { createHttpTts } from '../net/http-tts.ts';
import type { TtsAdapterOptions } from '../net/tts-options.ts';
import type { TtsProvider } from '../tts.ts';

export const CARTESIA_BASE_URL = 'https://api.cartesia.ai';
const API_VERSION = '2026-03-01';
const DEFAULT_MODEL = 'sonic-3';

/** Cartesia's `/tts/bytes`, which streams, as mu-law at 8 kHz. */
export function createCartesiaTts(options: TtsAdapterOptions): TtsProvider {
  const { apiKey, baseUrl = CARTESIA_BASE_URL, model = DEFAULT_MODEL, language } = options;
  return createHttpTts({
    name: 'cartesia',
    access: options,
    format: { encoding: 'mulaw', sampleRateHz: 8_000 },
    maxChars: 2_000,
    request: (text, voice, speed) => ({
      url: endpointUrl(baseUrl, '/tts/bytes'),
      headers: {
        authorization: `Bearer ${apiKey}`,
        'cartesia-version': API_VERSION,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        model_id: model,
        transcript: text,
        voice: { mode: 'id', id: voice },
        output_format: { container: 'raw', encoding: 'pcm_mulaw', sample_rate: 8_000 },
        ...(language !== undefined && { language: withoutRegion(language) }),
        ...(speed !== 1 && { generation_config: { speed } }),
      }),
    }),
  });
}
