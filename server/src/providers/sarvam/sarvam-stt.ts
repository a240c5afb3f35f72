import { endpointUrl, withRegion } from '../net/endpoint-url.ts';
import { httpJson, malformed } from '../net/http-request.ts';
import { asNumber, asRecord, asText } from '../net/json-fields.ts';
import { multipartForm } from '../net/multipart-form.ts';
import type { SttAdapterOptions } from '../net/stt-options.ts';
import { UtteranceSttSession } from '../net/utterance-stt.ts';
import { wavOf } from '../net/wav-of.ts';
import type { SttProvider } from '../stt.ts';

export const SARVAM_BASE_URL = 'https://api.sarvam.ai';
const NAME = 'sarvam';
const LANGUAGES = ['bn', 'en', 'gu', 'hi', 'kn', 'ml', 'mr', 'od', 'pa', 'ta', 'te'];
/** Sarvam names each of its languages with India's region. */
export const SARVAM_REGIONS: Readonly<Record<string, string>> = Object.fromEntries(
  LANGUAGES.map((language) => [language, 'IN']),
);

/** Sarvam's speech-to-text, REST (30 s): one request an utterance. */
export function createSarvamStt(options: SttAdapterOptions): SttProvider {
  const { apiKey, clock, hasNext, baseUrl = SARVAM_BASE_URL } = options;
  const ask = async (
    samples: Int16Array,
    language: string,
    signal: AbortSignal,
  ): Promise<{ text: string; confidence: number }> => {
    const { contentType, body } = multipartForm(
      { name: 'speech.wav', contentType: 'audio/wav', bytes: wavOf(samples) },
      { model: options.model, language_code: withRegion(language, SARVAM_REGIONS) },
    );
    const request = {
      url: endpointUrl(baseUrl, '/speech-to-text'),
      headers: { 'api-subscription-key': apiKey, 'content-type': contentType },
      body,
    };
    const answer = asRecord(await httpJson(NAME, options, request, signal));
    const text = asText(answer?.['transcript']);
    if (text === undefined) throw malformed(NAME, 'a transcription without transcript');
    return { text, confidence: asNumber(answer?.['confidence']) ?? 1 };
  };
  return {
    name: NAME,
    open: ({ language }) =>
      new UtteranceSttSession({
        provider: NAME,
        clock,
        hasNext,
        ask: (samples, signal) => ask(samples, options.language ?? language, signal),
      }),
  };
}
