import type { z } from 'zod';
import {
  choicesOf,
  type LlmChoice,
  type PlacedChoice,
  type ProviderConfig,
  type SttChoice,
  type TtsChoice,
} from '../providers/provider-config.ts';
import { LOCAL_VOICES, voiceOf, VOICES } from '../providers/vendors.ts';

/** What cannot be, and the field that says so. */
interface Problem {
  path: string;
  message: string;
}

const OPENAI_DEFAULT_MODEL = 'gpt-4o-mini';
const NETWORK_FIELDS = ['base_url', 'timeout_ms', 'model', 'region'] as const;
const WITH_KEYWORDS = ['deepgram', 'openai', 'assemblyai', 'elevenlabs', 'soniox'];
const WITH_VOICE_LANGUAGE = ['elevenlabs', 'cartesia', 'azure', 'sarvam'];

/** Refuses what a provider would not take, or would take no notice of. */
export function requireProviders(
  config: Pick<ProviderConfig, 'stt' | 'tts' | 'llm'>,
  ctx: z.core.$RefinementCtx,
): void {
  for (const { path, message } of providerProblems(config)) {
    ctx.addIssue({ code: 'custom', path: path.split('.'), message });
  }
}

/** Everything that is wrong with a choice of providers, keys apart. */
export function providerProblems(config: Pick<ProviderConfig, 'stt' | 'tts' | 'llm'>): Problem[] {
  const { stt, tts, llm } = config;
  return [
    ...choicesOf<SttChoice>('stt', stt).flatMap(sttProblems),
    ...choicesOf<TtsChoice>('tts', tts).flatMap(ttsProblems),
    ...(llm === null ? [] : choicesOf<LlmChoice>('llm', llm).flatMap(llmProblems)),
  ];
}

function sttProblems({ path, choice }: PlacedChoice<SttChoice>): Problem[] {
  const { provider, keywords = [], language } = choice;
  const problems = regionProblems({ path, choice });
  if (isHere(provider)) problems.push(...withoutNetwork({ path, choice }));
  if (isHere(provider) && language !== undefined && !/^en\b/.test(language)) {
    problems.push({ path: `${path}.language`, message: `${provider} understands en only` });
  }
  if (provider === 'azure' && choice.model !== undefined) {
    problems.push({ path: `${path}.model`, message: 'azure has no models to choose from here' });
  }
  if (keywords.length > 0 && !WITH_KEYWORDS.includes(provider)) {
    problems.push({ path: `${path}.keywords`, message: `${provider} takes no keywords` });
  }
  return problems;
}

function ttsProblems({ path, choice }: PlacedChoice<TtsChoice>): Problem[] {
  const { provider, speed = 1, language } = choice;
  const problems = [...regionProblems({ path, choice }), ...voiceProblems({ path, choice })];
  if (isHere(provider)) problems.push(...withoutNetwork({ path, choice }));
  else if (choice.model !== undefined && (provider === 'deepgram' || provider === 'azure')) {
    const message = `of ${provider} the voice is all there is to choose; name it in voice`;
    problems.push({ path: `${path}.model`, message });
  }
  if (language !== undefined && !WITH_VOICE_LANGUAGE.includes(provider)) {
    const message = `a voice of ${provider} speaks what it speaks; leave it out`;
    problems.push({ path: `${path}.language`, message });
  }
  const { min, max } = VOICES[provider].speed;
  if (speed < min || speed > max) {
    const message = `${provider} speaks at ${min} to ${max} times its speed`;
    problems.push({ path: `${path}.speed`, message });
  }
  return problems;
}

function voiceProblems({ path, choice }: PlacedChoice<TtsChoice>): Problem[] {
  const { provider, voice } = choice;
  const isLocal = LOCAL_VOICES.some((name) => name === voice);
  const field = `${path}.voice`;
  if (isHere(provider)) {
    if (voice === undefined || isLocal) return [];
    return [{ path: field, message: `expected one of ${LOCAL_VOICES.join(', ')}` }];
  }
  if (isLocal && provider !== 'openai') {
    const message = `${voice} is a voice of local; name one of ${provider}`;
    return [{ path: field, message }];
  }
  if (voiceOf(choice) !== null) return [];
  return [{ path: field, message: `${provider} needs the id of a voice` }];
}

function llmProblems({ path, choice }: PlacedChoice<LlmChoice>): Problem[] {
  const { provider, model, base_url: baseUrl } = choice;
  const problems: Problem[] = [];
  if ((provider === 'anthropic' || provider === 'google') && model === OPENAI_DEFAULT_MODEL) {
    problems.push({ path: `${path}.model`, message: `name a model of ${provider}` });
  }
  if (provider === 'azure-openai' && baseUrl === undefined) {
    const message = 'azure-openai has an address for each customer; name yours';
    problems.push({ path: `${path}.base_url`, message });
  }
  return problems;
}

function regionProblems({ path, choice }: PlacedChoice<SttChoice | TtsChoice>): Problem[] {
  const { provider, region, base_url: baseUrl } = choice;
  if (provider !== 'azure') {
    if (region === undefined || isHere(provider)) return [];
    return [{ path: `${path}.region`, message: `${provider} has none; it is for azure` }];
  }
  if (region !== undefined || baseUrl !== undefined) return [];
  return [
    { path: `${path}.region`, message: 'azure needs a region such as eastus, or a base_url' },
  ];
}

function withoutNetwork({ path, choice }: PlacedChoice<SttChoice | TtsChoice>): Problem[] {
  return NETWORK_FIELDS.filter((field) => choice[field] !== undefined).map((field) => ({
    path: `${path}.${field}`,
    message: `${choice.provider} runs on this machine and takes none`,
  }));
}

function isHere(provider: string): boolean {
  return provider === 'local' || provider === 'fake';
}
