import { endpointUrl, withRegion } from '../net/endpoint-url.ts';
import { httpJson, malformed } from '../net/http-request.ts';
import { asNumber, asRecord, asRecords, asText } from '../net/json-fields.ts';
import type { SttAdapterOptions } from '../net/stt-options.ts';
import { UtteranceSttSession } from '../net/utterance-stt.ts';
import { wavOf } from '../net/wav-of.ts';
import type { SttProvider } from '../stt.ts';

const NAME = 'azure';
const PATH = '/speech/recognition/conversation/cognitiveservices/v1';
/** The only rate of a WAV that it takes. */
const SAMPLE_RATE_HZ = 16_000;
/** Azure knows no language without a region. */
const REGIONS: Readonly<Record<string, string>> = {
  en: 'US',
  hi: 'IN',
  de: 'DE',
  fr: 'FR',
  es: 'ES',
  it: 'IT',
  pt: 'BR',
  nl: 'NL',
  ja: 'JP',
};

/** Azure AI Speech, REST for short audio (60 s): one request an utterance. */
export function createAzureStt(options: SttAdapterOptions & { baseUrl: string }): SttProvider {
  const { apiKey, clock, hasNext, baseUrl } = options;
  return {
    name: NAME,
    open({ language }) {
      const wanted = withRegion(options.language ?? language, REGIONS);
      const query = new URLSearchParams({ language: wanted, format: 'detailed' }).toString();
      const url = `${endpointUrl(baseUrl, PATH)}?${query}`;
      const headers = {
        'ocp-apim-subscription-key': apiKey,
        'content-type': `audio/wav; codecs=audio/pcm; samplerate=${SAMPLE_RATE_HZ}`,
        accept: 'application/json',
      };
      return new UtteranceSttSession({
        provider: NAME,
        clock,
        hasNext,
        ask: async (samples, signal) => {
          const body = wavOf(samples, SAMPLE_RATE_HZ);
          return readAnswer(await httpJson(NAME, options, { url, headers, body }, signal));
        },
      });
    },
  };
}

function readAnswer(answer: unknown): { text: string; confidence: number } {
  const document = asRecord(answer);
  switch (document?.['RecognitionStatus']) {
    case 'Success': {
      const best = asRecords(document['NBest'])[0];
      const text = asText(best?.['Display']) ?? asText(document['DisplayText']) ?? '';
      return { text, confidence: asNumber(best?.['Confidence']) ?? 1 };
    }
    case 'NoMatch':
    case 'InitialSilenceTimeout':
    case 'BabbleTimeout':
      return { text: '', confidence: 0 };
    default:
      throw malformed(NAME, 'a recognition without success');
  }
}
