import type { Clock } from '../shared/clock.ts';
import { createFakeLlm } from './fake/fake-llm.ts';
import { createFakeStt } from './fake/fake-stt.ts';
import { createFakeTts } from './fake/fake-tts.ts';
import { createFakeVad } from './fake/fake-vad.ts';
import type { LlmProvider } from './llm.ts';
import type { LocalSpeech } from './local/local-speech.ts';
import { createOpenAiLlm, DEFAULT_OPENAI_BASE_URL } from './openai/openai-llm.ts';
import { ProviderError } from './provider-error.ts';
import type { SttProvider } from './stt.ts';
import type { TtsProvider } from './tts.ts';
import type { VadProvider } from './vad.ts';

/** The part of an agent's configuration that chooses providers. */
export interface ProviderConfig {
  /** A `scripted` agent gets no language model. Default `llm`. */
  type?: 'scripted' | 'llm' | undefined;
  stt: {
    provider: 'local' | 'fake';
    latency_ms?: number | undefined;
    transcripts?: readonly string[] | undefined;
  };
  tts: { provider: 'local' | 'fake'; latency_ms?: number | undefined };
  /** Null: none is needed. */
  llm: {
    provider: 'openai' | 'fake';
    model: string;
    base_url?: string | undefined;
    latency_ms?: number | undefined;
    replies?: readonly string[] | undefined;
  } | null;
}

export interface ProviderSetOptions {
  config: ProviderConfig;
  /** Embedded speech of this thread; null where there is none. */
  speech: LocalSpeech | null;
  /** Secrets of the workspace; `OPENAI_API_KEY` goes before the server's own key. */
  secrets: Readonly<Record<string, string>>;
  defaults: {
    openaiBaseUrl: string;
    openaiApiKey: string | null;
    /** How long the first token may take. Default 10,000. */
    llmTimeoutMs?: number;
    /** How endpoints are asked that a sub-account named. Default: they are not. */
    guardedFetch?: typeof fetch | undefined;
  };
  /** Whether the agent's own endpoint is one that a sub-account named. Default false. */
  guarded?: boolean | undefined;
  clock: Clock;
}

/** What one agent listens, thinks and speaks with. */
export interface ProviderSet {
  vad: VadProvider;
  stt: SttProvider;
  tts: TtsProvider;
  llm: LlmProvider | null;
  /** The voice of the first words, where they may come from memory. Default: `tts`. */
  openingTts?: TtsProvider;
}

const LLM_TIMEOUT_MS = 10_000;
/** Sent where an endpoint wants none: the client insists on one. */
const NO_KEY = 'none';

/** @throws ProviderError, not retryable, that says what the agent lacks. */
export function createProviders(options: ProviderSetOptions): ProviderSet {
  const { config, clock } = options;
  return {
    // Where the fake hears nothing but scripted words, level is enough, and it needs no model.
    vad:
      config.stt.provider === 'fake' && options.speech === null
        ? createFakeVad()
        : localSpeech(options).vad,
    stt:
      config.stt.provider === 'fake'
        ? createFakeStt({
            clock,
            latencyMs: config.stt.latency_ms ?? 0,
            transcripts: config.stt.transcripts ?? [],
          })
        : localSpeech(options).stt,
    tts:
      config.tts.provider === 'fake'
        ? createFakeTts({ clock, latencyMs: config.tts.latency_ms ?? 0 })
        : localSpeech(options).tts,
    llm: createLlm(options),
  };
}

/** Why an agent's language model cannot be asked, in one sentence; null: it can. */
export function llmKeyProblem(
  options: Pick<ProviderSetOptions, 'config' | 'secrets' | 'defaults'>,
): string | null {
  const { type, llm } = options.config;
  if (type === 'scripted' || llm === null || llm.provider === 'fake') return null;
  const { secrets, defaults } = options;
  try {
    chooseKey(
      llm.base_url ?? defaults.openaiBaseUrl,
      llm.base_url !== undefined,
      secrets,
      defaults,
    );
    return null;
  } catch (error) {
    if (error instanceof ProviderError) return error.message;
    throw error;
  }
}

function localSpeech({ speech }: ProviderSetOptions): LocalSpeech {
  if (speech === null) {
    throw new ProviderError('local-speech', 'embedded speech is switched off on this server', {
      retryable: false,
    });
  }
  return speech;
}

function createLlm(options: ProviderSetOptions): LlmProvider | null {
  const { config, secrets, defaults, clock } = options;
  const { llm } = config;
  if (llm === null || config.type === 'scripted') return null;
  if (llm.provider === 'fake') {
    return createFakeLlm({ clock, latencyMs: llm.latency_ms ?? 0, replies: llm.replies ?? [] });
  }
  const baseUrl = llm.base_url ?? defaults.openaiBaseUrl;
  const apiKey = chooseKey(baseUrl, llm.base_url !== undefined, secrets, defaults);
  return createOpenAiLlm({
    baseUrl,
    apiKey,
    model: llm.model,
    clock,
    timeoutMs: defaults.llmTimeoutMs ?? LLM_TIMEOUT_MS,
    fetch: options.guarded && llm.base_url !== undefined ? requireGuard(defaults) : undefined,
  });
}

/** @throws ProviderError where there is no guard: nothing is better than an open door. */
function requireGuard({ guardedFetch }: ProviderSetOptions['defaults']): typeof fetch {
  if (guardedFetch) return guardedFetch;
  throw new ProviderError('openai', 'the endpoint of the agent cannot be asked from here', {
    retryable: false,
  });
}

/**
 * The server's own key goes to the server's own endpoint (and to OpenAI) only: an agent that
 * names an endpoint of its choice must not be sent it.
 */
function chooseKey(
  baseUrl: string,
  isAgentsEndpoint: boolean,
  secrets: Readonly<Record<string, string>>,
  { openaiApiKey, openaiBaseUrl }: ProviderSetOptions['defaults'],
): string {
  const own = secrets['OPENAI_API_KEY'];
  if (own !== undefined && own !== '') return own;
  const isServersEndpoint = !isAgentsEndpoint || sameOrigin(baseUrl, openaiBaseUrl);
  if (openaiApiKey !== null && openaiApiKey !== '') {
    if (isServersEndpoint || isOpenAi(baseUrl)) return openaiApiKey;
  }
  if (isOpenAi(baseUrl)) {
    throw new ProviderError(
      'openai',
      'agent needs an OpenAI key: set OPENAI_API_KEY or llm.base_url',
      { retryable: false },
    );
  }
  return NO_KEY;
}

function isOpenAi(baseUrl: string): boolean {
  return sameOrigin(baseUrl, DEFAULT_OPENAI_BASE_URL);
}

function sameOrigin(a: string, b: string): boolean {
  const [first, second] = [URL.parse(a), URL.parse(b)];
  return first !== null && second !== null && first.origin === second.origin;
}
