import type { IncomingHttpHeaders } from 'node:http';

export type SttVendor = 'deepgram' | 'elevenlabs' | 'assemblyai' | 'soniox';

type Read =
  | { type: 'audio'; bytes: number }
  | { type: 'settle' }
  | { type: 'bye' }
  /** Keep-alives, configuration. */
  | { type: 'other' };

/** How one vendor's server speaks. */
interface SttDialect {
  /** Whether path, key and parameters are as the vendor insists on. */
  isUnderstood: (url: URL, headers: IncomingHttpHeaders) => boolean;
  greeting: readonly object[];
  read: (message: Buffer, isBinary: boolean) => Read;
  interim: (text: string, toMs: number) => object[];
  settled: (text: string, toMs: number) => object[];
}

function typeOf(message: Buffer): string {
  const text = message.toString('utf8');
  if (text === '') return '';
  const { type } = JSON.parse(text) as { type?: string };
  return type ?? '';
}

const deepgram: SttDialect = {
  isUnderstood: ({ pathname, searchParams: query }, { authorization }) =>
    pathname === '/v1/listen' &&
    (authorization?.startsWith('Token ') ?? false) &&
    query.get('encoding') === 'mulaw' &&
    query.get('sample_rate') === '8000' &&
    query.has('model'),
  greeting: [],
  read(message, isBinary) {
    if (isBinary) return { type: 'audio', bytes: message.length };
    const types: Record<string, Read> = {
      Finalize: { type: 'settle' },
      CloseStream: { type: 'bye' },
    };
    return types[typeOf(message)] ?? { type: 'other' };
  },
  interim: (text, toMs) => [deepgramResults(text, toMs, {})],
  settled: (text, toMs) => [deepgramResults(text, toMs, { is_final: true, from_finalize: true })],
};

function deepgramResults(text: string, toMs: number, more: object): object {
  return {
    type: 'Results',
    channel_index: [0, 1],
    start: 0,
    duration: toMs / 1_000,
    is_final: false,
    speech_final: false,
    channel: {
      alternatives: [{ transcript: text, confidence: text === '' ? 0 : 0.97, words: [] }],
    },
    metadata: {
      request_id: '1',
      model_uuid: '1',
      model_info: { name: 'nova-3', version: '1', arch: 'nova-3' },
    },
    ...more,
  };
}

const elevenlabs: SttDialect = {
  isUnderstood: ({ pathname, searchParams: query }, headers) =>
    pathname === '/v1/speech-to-text/realtime' &&
    Boolean(headers['xi-api-key']) &&
    query.get('audio_format') === 'ulaw_8000' &&
    query.get('commit_strategy') === 'manual' &&
    query.get('model_id') === 'scribe_v2_realtime',
  greeting: [{ message_type: 'session_started', session_id: 's1', config: {} }],
  read(message) {
    const chunk = JSON.parse(message.toString('utf8')) as {
      message_type: string;
      audio_base_64: string;
      commit: boolean;
      sample_rate: number;
    };
    if (chunk.message_type !== 'input_audio_chunk' || chunk.sample_rate !== 8_000) {
      return { type: 'other' };
    }
    if (chunk.commit) return { type: 'settle' };
    return { type: 'audio', bytes: Buffer.from(chunk.audio_base_64, 'base64').length };
  },
  interim: (text) => [{ message_type: 'partial_transcript', text }],
  settled: (text) => [{ message_type: 'committed_transcript', text }],
};

const assemblyai: SttDialect = {
  isUnderstood: ({ pathname, searchParams: query }, { authorization }) =>
    pathname === '/v3/ws' &&
    Boolean(authorization) &&
    query.get('encoding') === 'pcm_mulaw' &&
    query.get('sample_rate') === '8000' &&
    query.has('speech_model'),
  greeting: [{ type: 'Begin', id: 's1', expires_at: 2_000_000_000 }],
  read(message, isBinary) {
    if (isBinary) {
      const isAllowed = message.length >= 400 && message.length <= 8_000;
      return isAllowed ? { type: 'audio', bytes: message.length } : { type: 'bye' };
    }
    const types: Record<string, Read> = {
      ForceEndpoint: { type: 'settle' },
      Terminate: { type: 'bye' },
    };
    return types[typeOf(message)] ?? { type: 'other' };
  },
  interim: (text, toMs) => [assemblyAiTurn(text, toMs, false, false)],
  settled: (text, toMs) => [
    assemblyAiTurn(text.toLowerCase().replace(/[.,?!]/g, ''), toMs, true, false),
    assemblyAiTurn(text, toMs, true, true),
  ],
};

function assemblyAiTurn(text: string, toMs: number, isEnd: boolean, isFormatted: boolean): object {
  const words = text.split(' ').filter((word) => word !== '');
  return {
    type: 'Turn',
    turn_order: 0,
    turn_is_formatted: isFormatted,
    end_of_turn: isEnd,
    // The word that is being spoken stands in `words` only.
    transcript: isEnd ? text : words.slice(0, -1).join(' '),
    end_of_turn_confidence: isEnd ? 1 : 0.1,
    words: words.map((word) => ({
      text: word,
      start: 0,
      end: Math.round(toMs),
      confidence: 0.9,
      word_is_final: isEnd,
    })),
  };
}

const soniox: SttDialect = {
  isUnderstood: ({ pathname }, { authorization }) =>
    pathname === '/transcribe-websocket' && (authorization?.startsWith('Bearer ') ?? false),
  greeting: [],
  read(message, isBinary) {
    if (isBinary) return { type: 'audio', bytes: message.length };
    if (message.length === 0) return { type: 'bye' };
    return typeOf(message) === 'finalize' ? { type: 'settle' } : { type: 'other' };
  },
  interim: (text, toMs) => [{ tokens: sonioxTokens(text, toMs, false) }],
  settled: (text, toMs) => [
    // In the middle of a word: tokens are parts of words.
    { tokens: sonioxTokens(text.slice(0, 3), toMs, true) },
    {
      tokens: [...sonioxTokens(text.slice(3), toMs, true), { text: '<fin>', is_final: true }],
    },
  ],
};

function sonioxTokens(text: string, toMs: number, isFinal: boolean): object[] {
  if (text === '') return [];
  return [{ text, start_ms: 0, end_ms: Math.round(toMs), confidence: 0.95, is_final: isFinal }];
}

export const STT_DIALECTS: Readonly<Record<SttVendor, SttDialect>> = {
  deepgram,
  elevenlabs,
  assemblyai,
  soniox,
};
