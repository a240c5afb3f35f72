import { socketUrl, withoutRegion } from '../net/endpoint-url.ts';
import { errorOfStatus } from '../net/error-of-status.ts';
import { asNumber, asRecords, asText } from '../net/json-fields.ts';
import { createStreamingStt } from '../net/streaming-provider.ts';
import type { SttAdapterOptions } from '../net/stt-options.ts';
import type { SttNews, SttPiece, SttProtocol } from '../net/stt-protocol.ts';
import type { SttProvider } from '../stt.ts';

export const SONIOX_BASE_URL = 'https://stt-rt.soniox.com';
const NAME = 'soniox';
const DEFAULT_MODEL = 'stt-rt-v5';
const KEEP_ALIVE_MS = 10_000;
/** The token that says that a `finalize` is done. */
const FINALIZED = '<fin>';

/** Soniox' real-time API: mu-law in, tokens out, settled by `finalize`. */
export function createSonioxStt(options: SttAdapterOptions): SttProvider {
  return createStreamingStt(NAME, options, (language) => protocolOf(options, language));
}

function protocolOf(options: SttAdapterOptions, language: string): SttProtocol {
  const { keywords = [], apiKey } = options;
  return {
    name: NAME,
    url: socketUrl(options.baseUrl ?? SONIOX_BASE_URL, '/transcribe-websocket', {}),
    headers: { authorization: `Bearer ${apiKey}` },
    hello: JSON.stringify({
      model: options.model ?? DEFAULT_MODEL,
      audio_format: 'mulaw',
      sample_rate: 8_000,
      num_channels: 1,
      language_hints: [withoutRegion(language)],
      ...(keywords.length > 0 && { context: { terms: keywords } }),
    }),
    isReadyAtOnce: true,
    audio: (mulaw) => mulaw,
    settle: '{"type":"finalize"}',
    answersSettle: true,
    keepAlive: { everyMs: KEEP_ALIVE_MS, message: '{"type":"keepalive"}' },
    // An empty message ends the stream.
    bye: '',
    read: (message) => read(message, apiKey),
  };
}

function read(message: Record<string, unknown>, apiKey: string): SttNews[] {
  const status = asNumber(message['error_code']);
  if (status !== undefined) {
    const told = asText(message['error_message']) ?? '';
    return [{ type: 'failed', error: errorOfStatus(NAME, status, told, apiKey) }];
  }
  const tokens = asRecords(message['tokens']);
  const settled = tokens.filter((token) => token['is_final'] === true);
  const spoken = settled.filter((token) => token['text'] !== FINALIZED);
  const isDone = settled.length > spoken.length;
  const news: SttNews[] = [];
  if (spoken.length > 0) news.push(pieceOf('final', spoken));
  if (isDone) news.push({ type: 'settled' });
  else if (tokens.length > 0) {
    news.push(
      pieceOf(
        'interim',
        tokens.filter((token) => token['is_final'] !== true),
      ),
    );
  }
  return news;
}

/** Tokens are parts of words and bring their own spaces. */
function pieceOf(type: SttPiece['type'], tokens: readonly Record<string, unknown>[]): SttPiece {
  const sum = tokens.reduce((total, token) => total + (asNumber(token['confidence']) ?? 1), 0);
  return {
    type,
    text: tokens.map((token) => asText(token['text']) ?? '').join(''),
    confidence: tokens.length === 0 ? 0 : sum / tokens.length,
    isGlued: true,
  };
}
