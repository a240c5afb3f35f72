import { socketUrl } from '../net/endpoint-url.ts';
import { asNumber, asRecord, asRecords, asText } from '../net/json-fields.ts';
import { createStreamingStt } from '../net/streaming-provider.ts';
import type { SttAdapterOptions } from '../net/stt-options.ts';
import type { SttNews, SttProtocol } from '../net/stt-protocol.ts';
import { ProviderError } from '../provider-error.ts';
import type { SttProvider } from '../stt.ts';

export const DEEPGRAM_BASE_URL = 'https://api.deepgram.com';
const NAME = 'deepgram';
const DEFAULT_MODEL = 'nova-3';
/** Without audio or this every 10 s the server hangs up with NET-0001. */
const KEEP_ALIVE_MS = 4_000;

/** Deepgram's live transcription (`/v1/listen`, Nova): mu-law in, interim results and `Finalize`. */
export function createDeepgramStt(options: SttAdapterOptions): SttProvider {
  return createStreamingStt(NAME, options, (language) => protocolOf(options, language));
}

function protocolOf(options: SttAdapterOptions, language: string): SttProtocol {
  const { model = DEFAULT_MODEL, keywords = [] } = options;
  return {
    name: NAME,
    url: socketUrl(options.baseUrl ?? DEEPGRAM_BASE_URL, '/v1/listen', {
      model,
      language,
      encoding: 'mulaw',
      sample_rate: '8000',
      channels: '1',
      interim_results: 'true',
      smart_format: 'true',
      // Where an utterance ends is decided here; the server settles when it is told to.
      endpointing: 'false',
      // Nova-3 knows keyterms, older models keywords.
      [model.startsWith('nova-3') ? 'keyterm' : 'keywords']: keywords,
    }),
    headers: { authorization: `Token ${options.apiKey}` },
    hello: null,
    isReadyAtOnce: true,
    audio: (mulaw) => mulaw,
    settle: '{"type":"Finalize"}',
    // "This response typically occurs when there is a noticeable amount of audio buffered."
    answersSettle: false,
    keepAlive: { everyMs: KEEP_ALIVE_MS, message: '{"type":"KeepAlive"}' },
    bye: '{"type":"CloseStream"}',
    read,
  };
}

function read(message: Record<string, unknown>): SttNews[] {
  if (message['type'] === 'Error') {
    const told = asText(message['description']) ?? asText(message['message']) ?? 'an error';
    const error = new ProviderError(NAME, told.slice(0, 200), { retryable: true, kind: 'server' });
    return [{ type: 'failed', error }];
  }
  if (message['type'] !== 'Results') return [];
  const best = asRecords(asRecord(message['channel'])?.['alternatives'])[0];
  const endS = (asNumber(message['start']) ?? 0) + (asNumber(message['duration']) ?? 0);
  const piece: SttNews = {
    type: message['is_final'] === true ? 'final' : 'interim',
    text: asText(best?.['transcript']) ?? '',
    confidence: asNumber(best?.['confidence']) ?? 1,
    toMs: endS * 1_000,
  };
  return message['from_finalize'] === true ? [piece, { type: 'settled' }] : [piece];
}
