import { endpointUrl, withoutRegion } from '../net/endpoint-url.ts';
import { createHttpTts } from '../net/http-tts.ts';
import type { TtsAdapterOptions } from '../net/tts-options.ts';
import type { TtsProvider } from '../tts.ts';
import { ELEVENLABS_BASE_URL } from './elevenlabs-stt.ts';

const DEFAULT_MODEL = 'eleven_flash_v2_5';

/** ElevenLabs' streaming text-to-speech, as mu-law at 8 kHz. */
export function createElevenLabsTts(options: TtsAdapterOptions): TtsProvider {
  const { apiKey, baseUrl = ELEVENLABS_BASE_URL, model = DEFAULT_MODEL, language } = options;
  return createHttpTts({
    name: 'elevenlabs',
    access: options,
    format: { encoding: 'mulaw', sampleRateHz: 8_000 },
    maxChars: 5_000,
    request: (text, voice, speed) => ({
      url: endpointUrl(
        baseUrl,
        `/v1/text-to-speech/${encodeURIComponent(voice)}/stream?output_format=ulaw_8000`,
      ),
      headers: { 'xi-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({
        text,
        model_id: model,
        ...(language !== undefined && { language_code: withoutRegion(language) }),
        ...(speed !== 1 && { voice_settings: { speed } }),
      }),
    }),
  });
}
