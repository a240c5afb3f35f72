import { endpointUrl, withoutRegion } from '../net/endpoint-url.ts';
import { httpJson, malformed } from '../net/http-request.ts';
import { asRecord, asText } from '../net/json-fields.ts';
import { multipartForm } from '../net/multipart-form.ts';
import type { SttAdapterOptions } from '../net/stt-options.ts';
import { UtteranceSttSession } from '../net/utterance-stt.ts';
import { wavOf } from '../net/wav-of.ts';
import type { SttProvider } from '../stt.ts';
import { DEFAULT_OPENAI_BASE_URL } from './openai-llm.ts';

const NAME = 'openai';
const DEFAULT_MODEL = 'gpt-4o-mini-transcribe';

/** `/audio/transcriptions` of OpenAI or a compatible endpoint: one request an utterance. */
export function createOpenAiStt(options: SttAdapterOptions): SttProvider {
  const { apiKey, clock, hasNext, keywords = [], baseUrl = DEFAULT_OPENAI_BASE_URL } = options;
  const ask = async (
    samples: Int16Array,
    language: string,
    signal: AbortSignal,
  ): Promise<{ text: string; confidence: number }> => {
    const { contentType, body } = multipartForm(
      { name: 'speech.wav', contentType: 'audio/wav', bytes: wavOf(samples) },
      {
        model: options.model ?? DEFAULT_MODEL,
        response_format: 'json',
        language: withoutRegion(language),
        prompt: keywords.length > 0 ? keywords.join(', ') : undefined,
      },
    );
    const request = {
      url: endpointUrl(baseUrl, '/audio/transcriptions'),
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': contentType },
      body,
    };
    const text = asText(asRecord(await httpJson(NAME, options, request, signal))?.['text']);
    if (text === undefined) throw malformed(NAME, 'a transcription without text');
    return { text, confidence: 1 };
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
