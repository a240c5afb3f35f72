import type { AgentConfigInput } from '../../agents/agent-config.ts';
import {
  LOCAL_VOICES,
  STT_PROVIDERS,
  TTS_PROVIDERS,
  type LlmName,
  type SttName,
  type TtsName,
} from '../../providers/vendors.ts';
import { numberOf } from './task-config.ts';
import { asJson, asText, entryOf, isUnset, type Json, type Translation } from './translation.ts';

/** What may stand in for providers that we lack, and endpoints that have names. */
export interface ProviderNames {
  substitutions: Readonly<Record<string, string>>;
  /** Base URLs of OpenAI-compatible endpoints by name. */
  customModels: Readonly<Record<string, string>>;
  /** Templates of extractions by id and by name. */
  extractions: Readonly<Record<string, { schema: Json; instructions: string }>>;
}

/** Bolna's names of recognisers, and ours. */
const TRANSCRIBERS: Readonly<Record<string, SttName>> = {
  ...Object.fromEntries(STT_PROVIDERS.map((name) => [name, name])),
  assembly: 'assemblyai',
};
/** Bolna's names of voices' vendors, and ours. */
const SYNTHESIZERS: Readonly<Record<string, TtsName>> = {
  ...Object.fromEntries(TTS_PROVIDERS.map((name) => [name, name])),
  azuretts: 'azure',
};
/** Bolna's names of models' vendors that have a protocol of their own, and ours. */
const MODELS: Readonly<Record<string, LlmName>> = {
  openai: 'openai',
  fake: 'fake',
  anthropic: 'anthropic',
  google: 'google',
  'azure-openai': 'azure-openai',
  azure: 'azure-openai',
};
/** Bolna's names of vendors whose endpoints speak OpenAI's protocol. */
const COMPATIBLE = new Set([
  'custom',
  'ollama',
  'vllm',
  'groq',
  'together',
  'fireworks',
  'deepinfra',
  'anyscale',
  'openrouter',
  'deepseek',
  'perplexity',
  'ola',
]);
/** Voices that are told what they speak. */
const TELLS_LANGUAGE: ReadonlySet<string> = new Set(['elevenlabs', 'cartesia', 'azure', 'sarvam']);
/** Bolna writes it into every document; it means the server's own setting here. */
const OPENAI_BASE_URL = 'https://api.openai.com/v1';

/** How a document's speech settings are changed where they say nothing to us. */
const LLM_NO_EFFECT: Record<string, unknown> = {
  top_p: 0.9,
  min_p: 0.1,
  top_k: 0,
  presence_penalty: 0,
  frequency_penalty: 0,
  request_json: false,
  stop: null,
  reasoning_effort: null,
  verbosity: null,
  use_responses_api: false,
  compact_threshold: null,
};

/** `tools_config.transcriber`. */
export function readTranscriber(
  given: Json | null,
  names: ProviderNames,
  to: Translation,
): AgentConfigInput['stt'] {
  if (!given) return {};
  const provider = speechProvider('transcriber', TRANSCRIBERS, given, names, to);
  const language = asText(given['language']) ?? 'en';
  const isHere = provider === 'local' || provider === 'fake';
  if (isHere && !/^en\b/i.test(language)) {
    to.refuse(
      'transcriber.language',
      `embedded speech understands en only, not '${language.slice(0, 20)}'`,
    );
  }
  for (const name of ['language_hints', 'noise_reduction', ...(isHere ? ['keywords'] : [])]) {
    if (isUnset(given[name])) continue;
    to.warn(`transcriber.${name}`, `has no effect on ${isHere ? 'embedded speech' : provider}`);
  }
  if (isHere || isSubstituted(given, names)) return { provider };
  const model = provider === 'azure' ? null : asText(given['model']);
  const keywords = keywordsOf(given['keywords']);
  return {
    provider,
    ...(model !== null && { model }),
    ...(language !== 'en' && { language }),
    ...(keywords.length > 0 && { keywords }),
    ...regionOf(provider, given),
  };
}

/** Bolna writes them with commas between, and Deepgram's weights behind colons. */
function keywordsOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value.map(asText) : (asText(value) ?? '').split(',');
  return list.flatMap((word) => (word?.trim() ? [word.trim()] : []));
}

/** Azure's address is made of the region, which Bolna keeps beside the key. */
function regionOf(provider: string, given: Json): { region?: string } {
  const region = asText(given['region']);
  return provider === 'azure' && region !== null ? { region } : {};
}

/** `tools_config.synthesizer`. */
export function readSynthesizer(
  given: Json | null,
  names: ProviderNames,
  to: Translation,
): AgentConfigInput['tts'] {
  if (!given) return {};
  const provider = speechProvider('synthesizer', SYNTHESIZERS, given, names, to);
  const config = asJson(given['provider_config']) ?? {};
  const wanted = asText(config['voice_id']) ?? asText(config['voice']);
  const language = asText(config['language']) ?? 'en';
  const speed = Number(config['speed'] ?? 1);
  if (!(speed >= 0.5 && speed <= 2)) {
    to.refuse('synthesizer.provider_config.speed', 'expected a number from 0.5 to 2');
    return { provider };
  }
  if (provider !== 'local' && provider !== 'fake') {
    const model = provider === 'azure' ? null : asText(config['model']);
    // Deepgram's voices are its models.
    const voice = voiceNameOf(provider, wanted, model, language);
    return {
      provider,
      speed,
      ...(voice !== null && { voice }),
      ...(model !== null && provider !== 'deepgram' && { model }),
      ...(language !== 'en' && TELLS_LANGUAGE.has(provider) && { language }),
      ...regionOf(provider, config),
    };
  }
  const voice = LOCAL_VOICES.find((name) => name === wanted?.toLowerCase());
  if (!/^en\b/i.test(language)) {
    to.refuse(
      'synthesizer.provider_config.language',
      `embedded speech speaks en only, not '${language.slice(0, 20)}'`,
    );
  }
  if (wanted !== null && voice === undefined && isKnown(given, names)) {
    const told = `the voice '${wanted.slice(0, 60)}' is not there; slt speaks (${LOCAL_VOICES.join(', ')} do exist)`;
    if (isSubstituted(given, names)) to.warn('synthesizer.provider_config.voice', told);
    else to.refuse('synthesizer.provider_config.voice', told);
  }
  return { provider, ...(voice && { voice }), speed };
}

/** Deepgram's voices are its models; Azure's are written without language and kind. */
function voiceNameOf(
  provider: TtsName,
  voice: string | null,
  model: string | null,
  language: string,
): string | null {
  if (provider === 'deepgram') return model ?? voice;
  if (provider !== 'azure' || voice === null || voice.includes('-')) return voice;
  return `${language.includes('-') ? language : 'en-US'}-${voice}Neural`;
}

/** `tools_config.llm_agent`: of v2 with its `llm_config`, of v1 itself the configuration. */
export function readModel(
  agent: Json,
  names: ProviderNames,
  to: Translation,
): AgentConfigInput['llm'] {
  const config = asJson(agent['llm_config']) ?? agent;
  refuseOtherAgents(agent, config, to);
  for (const [name, usual] of Object.entries(LLM_NO_EFFECT)) {
    const value = config[name];
    if (value === undefined || value === null || value === usual) continue;
    to.warn(`llm_config.${name}`, 'is not passed on to the model');
  }
  const model = asText(config['model']) ?? 'gpt-4.1-mini';
  const baseUrl = endpointOf(config, model, names, to);
  const provider = entryOf(MODELS, providerOf(config, names)) ?? 'openai';
  const maxTokens = numberOf(
    config['max_tokens'],
    100,
    { min: 1, max: 4_096, field: 'llm_config.max_tokens' },
    to,
  );
  const temperature = Number(config['temperature'] ?? 0.1);
  if (!(temperature >= 0 && temperature <= 2)) {
    to.refuse('llm_config.temperature', 'expected a number from 0 to 2');
  }
  return {
    provider,
    model: model.slice(0, 200),
    max_tokens: maxTokens,
    temperature: temperature >= 0 && temperature <= 2 ? temperature : 0.1,
    ...(baseUrl !== null && { base_url: baseUrl }),
  };
}

/** Where the model is; null: the server's own endpoint. */
function endpointOf(
  config: Json,
  model: string,
  names: ProviderNames,
  to: Translation,
): string | null {
  const field = 'llm_config.provider';
  const named = namedProvider(config);
  const provider = providerOf(config, names);
  const custom = entryOf(names.customModels, model) ?? entryOf(names.customModels, named);
  const given = asText(config['base_url']) ?? custom ?? null;
  if (given !== null && (!URL.canParse(given) || !/^https?:/i.test(given) || given.length > 500)) {
    to.refuse('llm_config.base_url', 'expected an http or https URL');
    return null;
  }
  if (provider !== named) to.warn(field, `${provider} stands in for ${named}`);
  if (provider === 'fake') return null;
  const isTheirs = given === null || given.replace(/\/+$/, '') === OPENAI_BASE_URL;
  if (entryOf(MODELS, provider) !== undefined) return isTheirs ? null : given;
  if (!COMPATIBLE.has(provider)) {
    to.refuse(
      field,
      `'${provider.slice(0, 40)}' is not there; anthropic, google, azure-openai and openai are, with any OpenAI-compatible base_url. ` +
        `PUT /v1/provider-substitutions {"substitutions": {"${named.slice(0, 40)}": "openai"}} lets it stand in`,
    );
    return null;
  }
  if (isTheirs) {
    to.refuse(
      'llm_config.base_url',
      `'${provider}' needs the base_url of its OpenAI-compatible endpoint`,
    );
    return null;
  }
  return given;
}

function namedProvider(config: Json): string {
  return asText(config['provider']) ?? asText(config['family']) ?? 'openai';
}

/** Whom a document names, or who stands in. */
function providerOf(config: Json, names: ProviderNames): string {
  const named = namedProvider(config);
  return entryOf(names.substitutions, named) ?? named;
}

function refuseOtherAgents(agent: Json, config: Json, to: Translation): void {
  const type = asText(agent['agent_type']) ?? 'simple_llm_agent';
  if (type !== 'simple_llm_agent') {
    to.refuse(
      'llm_agent.agent_type',
      `'${type.slice(0, 40)}' cannot run; simple_llm_agent can (knowledge bases and graphs are not there yet)`,
    );
  }
  for (const name of ['vector_store', 'rag_config', 'nodes']) {
    if (!isUnset(config[name])) to.refuse(`llm_config.${name}`, 'is not there yet; leave it out');
  }
  const routes = asJson(agent['routes']) ?? asJson(config['routes']);
  if (!isUnset(routes?.['routes'])) {
    to.refuse('llm_agent.routes', 'semantic routes cannot run; put the answers into the prompt');
  }
}

/** Whether embedded speech was asked for, by its own name or in another's place. */
function isKnown(given: Json, names: ProviderNames): boolean {
  return (
    ['local', 'fake'].some((name) => name === given['provider']) || isSubstituted(given, names)
  );
}

function isSubstituted(given: Json, names: ProviderNames): boolean {
  return entryOf(names.substitutions, asText(given['provider']) ?? '') !== undefined;
}

function speechProvider<T extends string>(
  part: 'transcriber' | 'synthesizer',
  known: Readonly<Record<string, T | 'local'>>,
  given: Json,
  names: ProviderNames,
  to: Translation,
): T | 'local' {
  const named = asText(given['provider']);
  const field = `${part}.provider`;
  const there = Object.keys(known).join(', ');
  if (named === null) {
    to.refuse(field, `expected one of ${there}`);
    return 'local';
  }
  const provider = entryOf(names.substitutions, named) ?? named;
  const found = entryOf(known, provider);
  if (found === undefined) {
    to.refuse(
      field,
      `'${provider.slice(0, 40)}' is not there; these are: ${there}. ` +
        `PUT /v1/provider-substitutions {"substitutions": {"${named.slice(0, 40)}": "local"}} lets embedded speech stand in`,
    );
    return 'local';
  }
  if (provider !== named) {
    to.warn(
      field,
      `${provider} stands in for ${named}; its model and sampling settings have no effect`,
    );
  }
  return found;
}
