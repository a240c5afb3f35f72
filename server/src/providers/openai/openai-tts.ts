import { endpointUrl } from '../net/endpoint-url.ts';
import { createHttpTts } from '../net/http-tts.ts';
import type { TtsAdapterOptions } from '../net/tts-options.ts';
import type { TtsProvider } from '../tts.ts';
import { DEFAULT_OPENAI_BASE_URL } from './openai-llm.ts';

const DEFAULT_MODEL = 'gpt-4o-mini-tts';

/** `/audio/speech` of OpenAI or a compatible endpoint: linear at 24 kHz, which has no lower rate. */
export function createOpenAiTts(options: TtsAdapterOptions): TtsProvider {
  const { apiKey, baseUrl = DEFAULT_OPENAI_BASE_URL, model = DEFAULT_MODEL } = options;
  return createHttpTts({
    name: 'openai',
    access: options,
    format: { encoding: 's16le', sampleRateHz: 24_000 },
    maxChars: 4_096,
    request: (text, voice, speed) => ({
      url: endpointUrl(baseUrl, '/audio/speech'),
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model,
        voice,
        input: text,
        response_format: 'pcm',
        ...(speed !== 1 && { speed }),
      }),
    }),
  });
}
