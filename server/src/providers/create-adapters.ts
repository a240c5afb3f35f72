import type { Clock } from '../shared/clock.ts';
import { createAnthropicLlm } from './anthropic/anthropic-llm.ts';
import { createAssemblyAiStt } from './assemblyai/assemblyai-stt.ts';
import { createAzureOpenAiLlm } from './azure-openai/azure-openai-llm.ts';
import { createAzureStt } from './azure/azure-stt.ts';
import { createAzureTts } from './azure/azure-tts.ts';
import { createCartesiaTts } from './cartesia/cartesia-tts.ts';
import { createDeepgramStt } from './deepgram/deepgram-stt.ts';
import { createDeepgramTts } from './deepgram/deepgram-tts.ts';
import { createElevenLabsStt } from './elevenlabs/elevenlabs-stt.ts';
import { createElevenLabsTts } from './elevenlabs/elevenlabs-tts.ts';
import { createFakeLlm } from './fake/fake-llm.ts';
import { createFakeStt } from './fake/fake-stt.ts';
import { createFakeTts } from './fake/fake-tts.ts';
import { createGoogleLlm } from './google/google-llm.ts';
import type { LlmProvider } from './llm.ts';
import type { LocalSpeech } from './local/local-speech.ts';
import { createOpenAiLlm, DEFAULT_OPENAI_BASE_URL } from './openai/openai-llm.ts';
import { createOpenAiStt } from './openai/openai-stt.ts';
import { createOpenAiTts } from './openai/openai-tts.ts';
import { accessOf, type AccessOptions } from './provider-access.ts';
import type { LlmChoice, PlacedChoice, SttChoice, TtsChoice } from './provider-config.ts';
import { ProviderError } from './provider-error.ts';
import { createSarvamStt } from './sarvam/sarvam-stt.ts';
import { createSarvamTts } from './sarvam/sarvam-tts.ts';
import { createSonioxStt } from './soniox/soniox-stt.ts';
import type { SttProvider } from './stt.ts';
import type { TtsProvider } from './tts.ts';

export interface AdapterOptions extends AccessOptions {
  /** Embedded speech of this thread; null where there is none. */
  speech: LocalSpeech | null;
  /** Somebody else is in line. */
  hasNext: boolean;
}

/** @throws ProviderError, not retryable, that says what the agent lacks. */
export function createStt(placed: PlacedChoice<SttChoice>, options: AdapterOptions): SttProvider {
  const { choice } = placed;
  const { provider, model, language, keywords } = choice;
  if (provider === 'local') return requireSpeech(options.speech).stt;
  if (provider === 'fake') return fakeStt(choice, options.clock);
  const access = { ...accessOf('stt', provider, placed, options), model, language, keywords };
  switch (provider) {
    case 'deepgram':
      return createDeepgramStt(access);
    case 'openai':
      return createOpenAiStt(access);
    case 'assemblyai':
      return createAssemblyAiStt(access);
    case 'elevenlabs':
      return createElevenLabsStt(access);
    case 'soniox':
      return createSonioxStt(access);
    case 'azure':
      return createAzureStt({ ...access, baseUrl: requireUrl(provider, placed, access.baseUrl) });
    case 'sarvam':
      return createSarvamStt(access);
  }
}

/** @throws ProviderError, not retryable, that says what the agent lacks. */
export function createTts(placed: PlacedChoice<TtsChoice>, options: AdapterOptions): TtsProvider {
  const { provider, model, language, latency_ms: latencyMs = 0 } = placed.choice;
  if (provider === 'local') return requireSpeech(options.speech).tts;
  if (provider === 'fake') return createFakeTts({ clock: options.clock, latencyMs });
  const access = { ...accessOf('tts', provider, placed, options), model, language };
  switch (provider) {
    case 'elevenlabs':
      return createElevenLabsTts(access);
    case 'cartesia':
      return createCartesiaTts(access);
    case 'deepgram':
      return createDeepgramTts(access);
    case 'openai':
      return createOpenAiTts(access);
    case 'azure':
      return createAzureTts({ ...access, baseUrl: requireUrl(provider, placed, access.baseUrl) });
    case 'sarvam':
      return createSarvamTts(access);
  }
}

/** @throws ProviderError, not retryable, that says what the agent lacks. */
export function createLlm(placed: PlacedChoice<LlmChoice>, options: AdapterOptions): LlmProvider {
  const { provider, model, latency_ms: latencyMs = 0, replies = [] } = placed.choice;
  if (provider === 'fake') return createFakeLlm({ clock: options.clock, latencyMs, replies });
  const access = { ...accessOf('llm', provider, placed, options), model };
  switch (provider) {
    case 'openai':
      return createOpenAiLlm({ ...access, baseUrl: access.baseUrl ?? DEFAULT_OPENAI_BASE_URL });
    case 'anthropic':
      return createAnthropicLlm(access);
    case 'google':
      return createGoogleLlm(access);
    case 'azure-openai':
      return createAzureOpenAiLlm({
        ...access,
        baseUrl: requireUrl(provider, placed, access.baseUrl),
      });
  }
}

/** @throws ProviderError where embedded speech is switched off. */
export function requireSpeech(speech: LocalSpeech | null): LocalSpeech {
  if (speech !== null) return speech;
  throw new ProviderError('local-speech', 'embedded speech is switched off on this server', {
    retryable: false,
  });
}

function fakeStt(
  { latency_ms: latencyMs = 0, transcripts = [] }: SttChoice,
  clock: Clock,
): SttProvider {
  return createFakeStt({ clock, latencyMs, transcripts });
}

function requireUrl(
  provider: string,
  { path }: PlacedChoice<unknown>,
  baseUrl: string | undefined,
): string {
  if (baseUrl !== undefined) return baseUrl;
  const what = provider === 'azure' ? `${path}.region or ${path}.base_url` : `${path}.base_url`;
  throw new ProviderError(provider, `has an address for each customer: set ${what}`, {
    retryable: false,
  });
}
