import type { LlmName, SttName, TtsName } from './vendors.ts';

interface NetworkChoice {
  base_url?: string | undefined;
  timeout_ms?: number | undefined;
  latency_ms?: number | undefined;
}

/** One recogniser. */
export interface SttChoice extends NetworkChoice {
  provider: SttName;
  model?: string | undefined;
  language?: string | undefined;
  region?: string | undefined;
  keywords?: readonly string[] | undefined;
  transcripts?: readonly string[] | undefined;
}

/** One voice. */
export interface TtsChoice extends NetworkChoice {
  provider: TtsName;
  voice?: string | undefined;
  model?: string | undefined;
  language?: string | undefined;
  region?: string | undefined;
  speed?: number | undefined;
}

/** One language model. */
export interface LlmChoice extends NetworkChoice {
  provider: LlmName;
  model: string;
  replies?: readonly string[] | undefined;
}

/** The part of an agent's configuration that chooses providers. */
export interface ProviderConfig {
  /** A `scripted` agent gets no language model. Default `llm`. */
  type?: 'scripted' | 'llm' | undefined;
  stt: SttChoice & { fallbacks?: readonly SttChoice[] | undefined };
  tts: TtsChoice & { fallbacks?: readonly TtsChoice[] | undefined };
  /** Null: none is needed. */
  llm: (LlmChoice & { fallbacks?: readonly LlmChoice[] | undefined }) | null;
}

/** A choice with the place where it stands in the configuration: `stt`, `tts.fallbacks.0`. */
export interface PlacedChoice<T> {
  path: string;
  choice: T;
}

/** The first choice and those that follow it. */
export function choicesOf<T extends object>(
  part: string,
  first: T & { fallbacks?: readonly T[] | undefined },
): PlacedChoice<T>[] {
  return [
    { path: part, choice: first },
    ...(first.fallbacks ?? []).map((choice, n) => ({ path: `${part}.fallbacks.${n}`, choice })),
  ];
}

/** Every choice of a configuration that would be asked, in order. */
export function allChoices(
  config: ProviderConfig,
): PlacedChoice<SttChoice | TtsChoice | LlmChoice>[] {
  const { llm } = config;
  return [
    ...choicesOf<SttChoice>('stt', config.stt),
    ...choicesOf<TtsChoice>('tts', config.tts),
    ...(llm === null || config.type === 'scripted' ? [] : choicesOf<LlmChoice>('llm', llm)),
  ];
}
