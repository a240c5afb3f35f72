import { endpointUrl, withRegion } from '../net/endpoint-url.ts';
import { createHttpTts } from '../net/http-tts.ts';
import type { TtsAdapterOptions } from '../net/tts-options.ts';
import type { TtsProvider } from '../tts.ts';
import { SARVAM_BASE_URL, SARVAM_REGIONS } from './sarvam-stt.ts';

const DEFAULT_MODEL = 'bulbul:v3';

/** Sarvam's streaming text-to-speech, as mu-law at 8 kHz. */
export function createSarvamTts(options: TtsAdapterOptions): TtsProvider {
  const { apiKey, baseUrl = SARVAM_BASE_URL, model = DEFAULT_MODEL, language = 'en' } = options;
  return createHttpTts({
    name: 'sarvam',
    access: options,
    format: { encoding: 'mulaw', sampleRateHz: 8_000 },
    maxChars: 2_500,
    request: (text, voice, speed) => ({
      url: endpointUrl(baseUrl, '/text-to-speech/stream'),
      headers: { 'api-subscription-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({
        text,
        target_language_code: withRegion(language, SARVAM_REGIONS),
        speaker: voice,
        model,
        speech_sample_rate: 8_000,
        output_audio_codec: 'mulaw',
        ...(speed !== 1 && { pace: speed }),
      }),
    }),
  });
}
