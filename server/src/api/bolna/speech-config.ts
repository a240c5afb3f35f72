import type { AgentConfigInput } from '../../agents/agent-config.ts';
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

const SPEECH_PROVIDERS = ['local', 'fake'] as const;
const VOICES = ['slt', 'rms', 'awb', 'kal'] as const;
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
  const provider = speechProvider('transcriber', given, names, to);
  const language = asText(given['language']) ?? 'en';
  if (!/^en\b/i.test(language)) {
    to.refuse(
      'transcriber.language',
      `embedded speech understands en only, not '${language.slice(0, 20)}'`,
    );
  }
  for (const name of ['keywords', 'language_hints', 'noise_reduction']) {
    if (!isUnset(given[name])) to.warn(`transcriber.${name}`, 'has no effect on embedded speech');
  }
  return { provider };
}

/** `tools_config.synthesizer`. */
export function readSynthesizer(
  given: Json | null,
  names: ProviderNames,
  to: Translation,
): AgentConfigInput['tts'] {
  if (!given) return {};
  const provider = speechProvider('synthesizer', given, names, to);
  const config = asJson(given['provider_config']) ?? {};
  const wanted = asText(config['voice_id']) ?? asText(config['voice']);
  const voice = VOICES.find((name) => name === wanted?.toLowerCase());
  const language = asText(config['language']) ?? 'en';
  if (!/^en\b/i.test(language)) {
    to.refuse(
      'synthesizer.provider_config.language',
      `embedded speech speaks en only, not '${language.slice(0, 20)}'`,
    );
  }
  if (wanted !== null && voice === undefined && isKnown(given, names)) {
    const told = `the voice '${wanted.slice(0, 60)}' is not there; slt speaks (${VOICES.join(', ')} do exist)`;
    if (isSubstituted(given, names)) to.warn('synthesizer.provider_config.voice', told);
    else to.refuse('synthesizer.provider_config.voice', told);
  }
  const speed = Number(config['speed'] ?? 1);
  if (!(speed >= 0.5 && speed <= 2)) {
    to.refuse('synthesizer.provider_config.speed', 'expected a number from 0.5 to 2');
    return { provider };
  }
  return { provider, ...(voice && { voice }), speed };
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
    provider: asText(config['provider']) === 'fake' ? 'fake' : 'openai',
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
  const named = asText(config['provider']) ?? asText(config['family']) ?? 'openai';
  const provider = entryOf(names.substitutions, named) ?? named;
  const custom = entryOf(names.customModels, model) ?? entryOf(names.customModels, named);
  const given = asText(config['base_url']) ?? custom ?? null;
  if (given !== null && (!URL.canParse(given) || !/^https?:/i.test(given) || given.length > 500)) {
    to.refuse('llm_config.base_url', 'expected an http or https URL');
    return null;
  }
  if (provider !== named) to.warn(field, `${provider} stands in for ${named}`);
  if (provider === 'fake') return null;
  const isTheirs = given === null || given.replace(/\/+$/, '') === OPENAI_BASE_URL;
  if (provider === 'openai') return isTheirs ? null : given;
  if (!COMPATIBLE.has(provider)) {
    to.refuse(
      field,
      `'${provider.slice(0, 40)}' is not there; openai is, with any OpenAI-compatible base_url. ` +
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

/** Whether the provider is there, by its own name or by another's. */
function isKnown(given: Json, names: ProviderNames): boolean {
  const own = SPEECH_PROVIDERS.some((name) => name === given['provider']);
  return own || isSubstituted(given, names);
}

function isSubstituted(given: Json, names: ProviderNames): boolean {
  return entryOf(names.substitutions, asText(given['provider']) ?? '') !== undefined;
}

function speechProvider(
  part: 'transcriber' | 'synthesizer',
  given: Json,
  names: ProviderNames,
  to: Translation,
): 'local' | 'fake' {
  const named = asText(given['provider']);
  const field = `${part}.provider`;
  if (named === null) {
    to.refuse(field, `expected one of ${SPEECH_PROVIDERS.join(', ')}`);
    return 'local';
  }
  const provider = entryOf(names.substitutions, named) ?? named;
  const found = SPEECH_PROVIDERS.find((name) => name === provider);
  if (!found) {
    to.refuse(
      field,
      `'${provider.slice(0, 40)}' is not there; ${SPEECH_PROVIDERS.join(' and ')} are. ` +
        `PUT /v1/provider-substitutions {"substitutions": {"${named.slice(0, 40)}": "local"}} lets embedded speech stand in`,
    );
    return 'local';
  }
  if (found !== named) {
    to.warn(
      field,
      `${found} stands in for ${named}; its model and sampling settings have no effect`,
    );
  }
  return found;
}
