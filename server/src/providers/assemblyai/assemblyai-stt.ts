import { socketUrl } from '../net/endpoint-url.ts';
import { asNumber, asRecords, asText } from '../net/json-fields.ts';
import { createStreamingStt } from '../net/streaming-provider.ts';
import type { SttAdapterOptions } from '../net/stt-options.ts';
import type { SttNews, SttProtocol } from '../net/stt-protocol.ts';
import { ProviderError } from '../provider-error.ts';
import type { SttProvider } from '../stt.ts';

export const ASSEMBLYAI_BASE_URL = 'https://streaming.assemblyai.com';
const NAME = 'assemblyai';
const ENGLISH_MODEL = 'universal-streaming-english';
const OTHER_MODEL = 'universal-streaming-multilingual';
/** Turns are ended from here; the server's own ends would only cut sentences in two. */
const MAX_TURN_SILENCE_MS = '10000';

/** AssemblyAI's streaming API, version 3: mu-law in, turns out, ended by `ForceEndpoint`. */
export function createAssemblyAiStt(options: SttAdapterOptions): SttProvider {
  return createStreamingStt(NAME, options, (language) => protocolOf(options, language));
}

function protocolOf(options: SttAdapterOptions, language: string): SttProtocol {
  const { keywords = [] } = options;
  return {
    name: NAME,
    url: socketUrl(options.baseUrl ?? ASSEMBLYAI_BASE_URL, '/v3/ws', {
      speech_model: options.model ?? (/^en\b/i.test(language) ? ENGLISH_MODEL : OTHER_MODEL),
      sample_rate: '8000',
      encoding: 'pcm_mulaw',
      format_turns: 'true',
      end_of_turn_confidence_threshold: '1',
      max_turn_silence: MAX_TURN_SILENCE_MS,
      keyterms_prompt: keywords.length === 0 ? undefined : JSON.stringify(keywords),
    }),
    headers: { authorization: options.apiKey },
    hello: null,
    isReadyAtOnce: false,
    audio: (mulaw) => mulaw,
    // "Audio data between 50 ms and 1000 ms in length."
    minChunkMs: 50,
    settle: '{"type":"ForceEndpoint"}',
    answersSettle: true,
    keepAlive: null,
    // Sessions are billed until they end.
    bye: '{"type":"Terminate"}',
    read,
  };
}

function read(message: Record<string, unknown>): SttNews[] {
  switch (message['type']) {
    case 'Begin':
      return [{ type: 'ready' }];
    case 'Error': {
      const told = (asText(message['error']) ?? 'an error').slice(0, 200);
      const error = new ProviderError(NAME, told, { retryable: true, kind: 'server' });
      return [{ type: 'failed', error }];
    }
    case 'Turn':
      return readTurn(message);
    default:
      return [];
  }
}

/** A turn that ended is sent twice: as it was heard, then with its punctuation. */
function readTurn(message: Record<string, unknown>): SttNews[] {
  const words = asRecords(message['words']);
  const isWhole = message['end_of_turn'] === true && message['turn_is_formatted'] === true;
  const heard = asText(message['transcript']) ?? '';
  // The transcript leaves out the word that is still being spoken.
  const believed = words.map((word) => asText(word['text']) ?? '').join(' ');
  const text = isWhole || heard.length >= believed.length ? heard : believed;
  const confidences = words.map((word) => asNumber(word['confidence']) ?? 1);
  const confidence =
    confidences.length === 0
      ? 1
      : confidences.reduce((sum, value) => sum + value, 0) / confidences.length;
  if (!isWhole) return [{ type: 'interim', text, confidence }];
  return [{ type: 'final', text, confidence }, { type: 'settled' }];
}
