import { z } from 'zod';
import { answeringSchema } from './answering-schema.ts';
import { llmSchema, sttSchema, ttsSchema } from './provider-schema.ts';
import { requireProviders } from './provider-rules.ts';
import { inboundSchema } from './inbound-schema.ts';
import { retrySchema } from './retry-schema.ts';
import { analysisSchema, retentionSchema } from './analysis-schema.ts';
import { scriptSchema } from './script-schema.ts';
import { toolsSchema } from './tools/tool-schema.ts';
import { turnSchema } from './turn-schema.ts';
import { webhookSchema } from './webhook-schema.ts';

const silenceSchema = z.strictObject({
  prompt_after_ms: z.number().int().min(1_000).max(120_000).default(7_000),
  prompt_text: z.string().max(500).default('Are you still there?'),
  hangup_after_ms: z.number().int().min(2_000).max(600_000).default(15_000),
});

export const agentConfigSchema = z.strictObject({
  name: z.string().trim().min(1).max(200),
  /** `scripted` follows `script` and needs no language model; `llm` follows `prompt`. */
  type: z.enum(['scripted', 'llm']).default('scripted'),
  language: z.enum(['en']).default('en'),
  /** First words; `{name}` and `{{ name }}` are variables. Null: the caller speaks first. */
  greeting: z.string().max(2_000).nullable().default(null),
  /** Said when the platform ends the call (maximum duration, API); null: nothing. */
  goodbye: z.string().max(500).nullable().default('Thank you. Goodbye.'),
  prompt: z.string().max(100_000).default(''),
  script: scriptSchema.nullable().default(null),
  /** What an agent of type `llm` can do besides speaking; `end_call` is always there. */
  tools: toolsSchema.default([]),
  /** Values of variables that a call does not give. */
  variables: z.record(z.string(), z.string().max(10_000)).default({}),
  llm: llmSchema.prefault({}),
  stt: sttSchema.prefault({}),
  tts: ttsSchema.prefault({}),
  turn: turnSchema.prefault({}),
  silence: silenceSchema.prefault({}),
  /** What becomes of calls that machines answer. */
  answering: answeringSchema.prefault({}),
  max_duration_s: z.number().int().min(10).max(14_400).default(1_800),
  recording: z.boolean().default(true),
  /** Name that rooms ask for the agent with, besides its own. */
  dispatch_name: z.string().trim().min(1).max(200).nullable().default(null),
  /** Names of rooms that the agent comes into by itself; `*` stands for any characters. */
  room_patterns: z.array(z.string().trim().min(1).max(200)).max(20).default([]),
  /** Summary and data that are made of the talk when it is over. */
  analysis: analysisSchema.prefault({}),
  /** Days that recordings and transcripts are kept; null: as the workspace says. */
  retention: retentionSchema.prefault({}),
  /** Calls at once, in and out; null: any number. */
  max_concurrent_calls: z.number().int().min(1).max(10_000).nullable().default(null),
  /** Whether people who were not reached are called again; a call may say otherwise. */
  retry: retrySchema.nullable().default(null),
  inbound: inboundSchema.prefault({}),
  /** Where the events of its calls are sent; signed with the secret WEBHOOK_SECRET. */
  webhook: webhookSchema.nullable().default(null),
});

/** What every agent that may be stored fulfils beyond the form of its fields. */
export function requireScript(
  config: Pick<AgentConfig, 'type' | 'script' | 'tools' | 'answering' | 'stt' | 'tts' | 'llm'>,
  ctx: z.core.$RefinementCtx,
): void {
  requireProviders(config, ctx);
  const { ivr, keys } = config.answering;
  if (config.type === 'scripted' && ivr === 'navigate' && keys.length === 0) {
    ctx.addIssue({
      code: 'custom',
      path: ['answering', 'keys'],
      message: 'a scripted agent finds its way through a menu by keys only; name some',
    });
  }
  const other = config.tools.findIndex(({ type }) => type !== 'transfer_call');
  if (config.type === 'scripted' && other !== -1) {
    ctx.addIssue({
      code: 'custom',
      path: ['tools', other],
      message: 'a script has no tools but transfer_call, for people who ask for a human',
    });
  }
  if (config.type === 'scripted' && config.script === null) {
    ctx.addIssue({
      code: 'custom',
      path: ['script'],
      message: 'a scripted agent needs a script; type llm needs none',
    });
  }
}

/** An agent, complete: every default filled in. */
export type AgentConfig = z.output<typeof agentConfigSchema>;
/** An agent as it is written. */
export type AgentConfigInput = z.input<typeof agentConfigSchema>;
