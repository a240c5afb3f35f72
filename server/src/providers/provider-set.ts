import { createLlm, createStt, createTts, requireSpeech } from './create-adapters.ts';
import { createFakeVad } from './fake/fake-vad.ts';
import { CandidateList, type ProviderFailure } from './fallback/candidate-list.ts';
import { createFallbackLlm } from './fallback/fallback-llm.ts';
import { createFallbackStt } from './fallback/fallback-stt.ts';
import { createFallbackTts } from './fallback/fallback-tts.ts';
import type { LlmProvider } from './llm.ts';
import type { LocalSpeech } from './local/local-speech.ts';
import { chooseKey, type AccessOptions } from './provider-access.ts';
import {
  allChoices,
  choicesOf,
  type LlmChoice,
  type PlacedChoice,
  type ProviderConfig,
  type SttChoice,
  type TtsChoice,
} from './provider-config.ts';
import { ProviderError } from './provider-error.ts';
import type { SttProvider } from './stt.ts';
import type { TtsProvider } from './tts.ts';
import type { VadProvider } from './vad.ts';
import { isVendor, voiceOf } from './vendors.ts';

export interface ProviderSetOptions extends AccessOptions {
  config: ProviderConfig;
  /** Embedded speech of this thread; null where there is none. */
  speech: LocalSpeech | null;
  /** A provider died and another one answers in its place. Default: nobody is told. */
  onFailure?: ((failure: ProviderFailure) => void) | undefined;
}

/** What one agent listens, thinks and speaks with. One set a call: it remembers who died. */
export interface ProviderSet {
  vad: VadProvider;
  stt: SttProvider;
  tts: TtsProvider;
  llm: LlmProvider | null;
  /** The voice of the first words, where they may come from memory. Default: `tts`. */
  openingTts?: TtsProvider;
}

/** @throws ProviderError, not retryable, that says what the agent lacks. */
export function createProviders(options: ProviderSetOptions): ProviderSet {
  const { config, speech } = options;
  const { stt, llm, type } = config;
  return {
    // Where the fake hears nothing but scripted words, level is enough, and it needs no model.
    vad: stt.provider === 'fake' && speech === null ? createFakeVad() : requireSpeech(speech).vad,
    stt: listening(options),
    tts: speaking(options),
    llm: llm === null || type === 'scripted' ? null : thinking(options, llm),
  };
}

/** Why an agent's providers cannot be asked, in one sentence; null: they can. */
export function providerKeyProblem(
  options: Pick<ProviderSetOptions, 'config' | 'secrets' | 'defaults'>,
): string | null {
  try {
    for (const placed of allChoices(options.config)) {
      const { provider } = placed.choice;
      if (isVendor(provider)) chooseKey(provider, placed, options);
    }
    return null;
  } catch (error) {
    if (error instanceof ProviderError) return error.message;
    throw error;
  }
}

function listening(options: ProviderSetOptions): SttProvider {
  const made = makeEach(options, choicesOf<SttChoice>('stt', options.config.stt), createStt);
  const [only] = made;
  return made.length === 1 && only
    ? only
    : createFallbackStt(new CandidateList('stt', made, tell(options)));
}

function speaking(options: ProviderSetOptions): TtsProvider {
  const choices = choicesOf<TtsChoice>('tts', options.config.tts);
  const made = makeEach(options, choices, createTts);
  const [only] = made;
  if (made.length === 1 && only) return only;
  const candidates = made.map((tts, n) => {
    const choice = choices[n]?.choice ?? options.config.tts;
    return { name: tts.name, tts, voice: voiceOf(choice) ?? '', speed: choice.speed ?? 1 };
  });
  return createFallbackTts(new CandidateList('tts', candidates, tell(options)), options.clock);
}

function thinking(
  options: ProviderSetOptions,
  llm: NonNullable<ProviderConfig['llm']>,
): LlmProvider {
  const made = makeEach(options, choicesOf<LlmChoice>('llm', llm), createLlm);
  const [only] = made;
  return made.length === 1 && only
    ? only
    : createFallbackLlm(new CandidateList('llm', made, tell(options)));
}

function makeEach<C, P>(
  options: ProviderSetOptions,
  choices: readonly PlacedChoice<C>[],
  make: (placed: PlacedChoice<C>, options: ProviderSetOptions & { hasNext: boolean }) => P,
): P[] {
  return choices.map((placed, n) => make(placed, { ...options, hasNext: n < choices.length - 1 }));
}

function tell({ onFailure }: ProviderSetOptions): (failure: ProviderFailure) => void {
  return (failure) => onFailure?.(failure);
}
