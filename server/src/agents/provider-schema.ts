import { z } from 'zod';
import { LLM_PROVIDERS, STT_PROVIDERS, TTS_PROVIDERS } from '../providers/vendors.ts';

const MAX_FALLBACKS = 4;
const FAKE_TIME = z.number().int().min(0).max(60_000);

/** What every provider in the network may be told. */
const network = {
  /** Endpoint of one's own, a proxy or a server beside this one. Default: the vendor's. */
  base_url: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .optional(),
  /** How long it may keep silent. Default: what a caller bears. */
  timeout_ms: z.number().int().min(200).max(60_000).optional(),
};
const model = z.string().min(1).max(200);
/** BCP 47, such as `hi` or `en-GB`. */
const language = z
  .string()
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'expected a language such as en or hi-IN')
  .max(35);
/** `azure` only, such as `eastus`: its address is made of it. */
const region = z
  .string()
  .regex(/^[a-z0-9-]{1,40}$/, 'expected a region such as eastus')
  .optional();

const stt = {
  ...network,
  /** Default: the vendor's for talk. */
  model: model.optional(),
  /** Default: the agent's. */
  language: language.optional(),
  region,
  /** Words that are likely to be said. */
  keywords: z.array(z.string().trim().min(1).max(100)).max(100).optional(),
  /** `fake` only: time to a transcript. */
  latency_ms: FAKE_TIME.optional(),
  /** `fake` only: transcripts handed out in turn. */
  transcripts: z.array(z.string().max(2_000)).max(100).optional(),
};
const tts = {
  ...network,
  /** A voice of the provider. Default: its own; `elevenlabs` and `cartesia` have none. */
  voice: z.string().trim().min(1).max(200).optional(),
  model: model.optional(),
  /** Default: what the voice speaks. */
  language: language.optional(),
  region,
  speed: z.number().min(0.5).max(2).default(1),
  /** `fake` only: time to the first audio. */
  latency_ms: FAKE_TIME.optional(),
};
const llm = {
  ...network,
  /** `fake` only: time to the first token. */
  latency_ms: FAKE_TIME.optional(),
  /** `fake` only: answers handed out in turn. */
  replies: z.array(z.string().max(2_000)).max(100).optional(),
};

/** Names are the API's own: this document is stored and returned as it is written. */
export const sttSchema = z.strictObject({
  /** `local` is the embedded Moonshine model, `fake` a timed stand-in for measurements. */
  provider: z.enum(STT_PROVIDERS).default('local'),
  ...stt,
  /** Who listens, in order, when the ones before died in a call. */
  fallbacks: z
    .array(z.strictObject({ provider: z.enum(STT_PROVIDERS), ...stt }))
    .max(MAX_FALLBACKS)
    .optional(),
});

export const ttsSchema = z.strictObject({
  /** `local` is the embedded Flite engine with the voices slt, rms, awb, kal. */
  provider: z.enum(TTS_PROVIDERS).default('local'),
  ...tts,
  /** Who speaks, in order, when the ones before died in a call. */
  fallbacks: z
    .array(z.strictObject({ provider: z.enum(TTS_PROVIDERS), ...tts }))
    .max(MAX_FALLBACKS)
    .optional(),
});

export const llmSchema = z.strictObject({
  /** `openai` is any OpenAI-compatible endpoint. */
  provider: z.enum(LLM_PROVIDERS).default('openai'),
  /** Of `azure-openai` the name of a deployment. */
  model: model.default('gpt-4o-mini'),
  ...llm,
  /** Not sent to `anthropic`, whose API has none. */
  temperature: z.number().min(0).max(2).default(0.3),
  max_tokens: z.number().int().min(1).max(4_096).default(300),
  /** Who thinks, in order, when the ones before died in a call. */
  fallbacks: z
    .array(z.strictObject({ provider: z.enum(LLM_PROVIDERS), model, ...llm }))
    .max(MAX_FALLBACKS)
    .optional(),
});
