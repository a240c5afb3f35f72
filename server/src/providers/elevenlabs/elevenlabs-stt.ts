import { socketUrl, withoutRegion } from '../net/endpoint-url.ts';
import { asText } from '../net/json-fields.ts';
import { createStreamingStt } from '../net/streaming-provider.ts';
import type { SttAdapterOptions } from '../net/stt-options.ts';
import type { SttNews, SttProtocol } from '../net/stt-protocol.ts';
import { ProviderError, type ProviderErrorKind } from '../provider-error.ts';
import type { SttProvider } from '../stt.ts';

export const ELEVENLABS_BASE_URL = 'https://api.elevenlabs.io';
const NAME = 'elevenlabs';
const DEFAULT_MODEL = 'scribe_v2_realtime';
/** The server ends sessions that send nothing. */
const KEEP_ALIVE_MS = 10_000;

/** Messages that end a session, by what they mean. */
const FAILURES: Readonly<Record<string, { kind: ProviderErrorKind; retryable: boolean }>> = {
  auth_error: { kind: 'auth', retryable: false },
  unaccepted_terms: { kind: 'auth', retryable: false },
  quota_exceeded: { kind: 'quota', retryable: false },
  rate_limited: { kind: 'quota', retryable: true },
  queue_overflow: { kind: 'server', retryable: true },
  resource_exhausted: { kind: 'server', retryable: true },
  session_time_limit_exceeded: { kind: 'network', retryable: true },
  insufficient_audio_activity: { kind: 'network', retryable: true },
  input_error: { kind: 'bad-request', retryable: false },
  invalid_request: { kind: 'bad-request', retryable: false },
  chunk_size_exceeded: { kind: 'bad-request', retryable: false },
  transcriber_error: { kind: 'server', retryable: true },
  error: { kind: 'server', retryable: true },
};

/** ElevenLabs Scribe realtime: mu-law in JSON, which is the only form it takes, and manual commits. */
export function createElevenLabsStt(options: SttAdapterOptions): SttProvider {
  return createStreamingStt(NAME, options, (language) => protocolOf(options, language));
}

function protocolOf(options: SttAdapterOptions, language: string): SttProtocol {
  const chunk = (audio: string, commit: boolean): string =>
    JSON.stringify({
      message_type: 'input_audio_chunk',
      audio_base_64: audio,
      commit,
      sample_rate: 8_000,
    });
  return {
    name: NAME,
    url: socketUrl(options.baseUrl ?? ELEVENLABS_BASE_URL, '/v1/speech-to-text/realtime', {
      model_id: options.model ?? DEFAULT_MODEL,
      audio_format: 'ulaw_8000',
      commit_strategy: 'manual',
      language_code: withoutRegion(language),
      keyterms: options.keywords,
    }),
    headers: { 'xi-api-key': options.apiKey },
    hello: null,
    isReadyAtOnce: false,
    audio: (mulaw) => chunk(Buffer.from(mulaw).toString('base64'), false),
    settle: chunk('', true),
    answersSettle: true,
    keepAlive: { everyMs: KEEP_ALIVE_MS, message: chunk('', false) },
    bye: null,
    read: (message) => read(message, options.apiKey),
  };
}

function read(message: Record<string, unknown>, apiKey: string): SttNews[] {
  const type = asText(message['message_type']) ?? '';
  const text = asText(message['text']) ?? '';
  switch (type) {
    case 'session_started':
      return [{ type: 'ready' }];
    case 'partial_transcript':
      return [{ type: 'interim', text, confidence: 1 }];
    case 'committed_transcript':
      return [{ type: 'final', text, confidence: 1 }, { type: 'settled' }];
    case 'commit_throttled':
      // Too little new audio to commit: what is believed of it stands.
      return [{ type: 'settled' }];
    default: {
      const failure = FAILURES[type];
      if (failure === undefined) return [];
      const told = asText(message['error']) ?? asText(message['message']) ?? '';
      const detail = failure.kind === 'auth' ? 'the key was refused' : told;
      const error = new ProviderError(
        NAME,
        `${type}: ${detail.replaceAll(apiKey, '[redacted]').slice(0, 200)}`,
        failure,
      );
      return [{ type: 'failed', error }];
    }
  }
}
