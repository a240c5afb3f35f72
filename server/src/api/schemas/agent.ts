import { z } from 'zod';
import { agentConfigSchema, requireScript, type AgentConfig } from '../../agents/agent-config.ts';
import { firstUtteranceWarnings } from '../../compliance/rules/first-utterance.ts';
import type { AgentRow } from '../../db/queries/agents.ts';
import { webhookSecretProblem } from '../../webhooks/signature.ts';

/** Names that the author of an agent chose for what its tools need. */
const OWN_SECRET = /^[A-Z][A-Z0-9_]{0,63}$/;
const MAX_SECRETS = 50;

/** Provider keys of one agent; sealed when stored, never returned. */
export const secretsSchema = z
  .object({
    OPENAI_API_KEY: z.string().min(1).max(500).nullable().optional().describe('Null removes it.'),
    WEBHOOK_SECRET: z
      .string()
      .refine((text) => webhookSecretProblem(text) === null, {
        error: ({ input }) => webhookSecretProblem(String(input)) ?? 'is no secret',
      })
      .nullable()
      .optional()
      .describe('`whsec_...`: signs the messages of `webhook`.'),
    INBOUND_LOOKUP_TOKEN: z
      .string()
      .min(1)
      .max(500)
      .nullable()
      .optional()
      .describe('Bearer token of `inbound.lookup`.'),
  })
  .catchall(z.string().min(1).max(4_000).nullable())
  .superRefine((given, ctx) => {
    const names = Object.keys(given);
    for (const name of names.filter((each) => !OWN_SECRET.test(each))) {
      const message = 'expected a name in capitals, such as CRM_TOKEN';
      ctx.addIssue({ code: 'custom', path: [name], message });
    }
    if (names.length > MAX_SECRETS) {
      ctx.addIssue({
        code: 'custom',
        path: [],
        message: `expected at most ${MAX_SECRETS} secrets`,
      });
    }
  })
  .describe(
    'Provider keys, write-only; default: those of the server. Further names in capitals are for ' +
      'tools, which name them as `{{secrets.NAME}}`.',
  );

export const agentCreateSchema = agentConfigSchema
  .extend({ secrets: secretsSchema.optional() })
  .superRefine(requireScript)
  .meta({
    examples: [
      {
        name: 'Appointment reminder',
        type: 'llm',
        greeting: 'Hello {name}, this is the assistant of Practice Weber.',
        prompt:
          'Remind {name} of the appointment {time}. Ask whether it suits; if not, ask for a better day.',
        variables: { name: 'there', time: 'tomorrow at 10' },
        llm: { model: 'gpt-4o-mini', temperature: 0.3 },
        max_duration_s: 300,
        analysis: {
          extraction: {
            schema: {
              type: 'object',
              properties: {
                confirmed: { type: 'boolean', description: 'Whether they come.' },
                wish: { type: 'string', description: 'Another day, in their words.' },
              },
            },
          },
        },
      },
      {
        name: 'Front desk',
        type: 'llm',
        greeting: 'Hello, this is Practice Weber. What can I do for you?',
        prompt: 'You make appointments. Look for a free slot before you offer one.',
        secrets: { CRM_TOKEN: 'token-of-your-server' },
        tools: [
          {
            type: 'http',
            name: 'find_slot',
            description: 'Free slots of a day.',
            parameters: {
              type: 'object',
              properties: { day: { type: 'string', format: 'date' } },
              required: ['day'],
            },
            request: {
              method: 'GET',
              url: 'https://crm.example.com/slots/{day}',
              headers: { Authorization: 'Bearer {{secrets.CRM_TOKEN}}' },
            },
            response: { text: '/slots' },
          },
          { type: 'transfer_call', targets: [{ name: 'reception', number: '+14155550123' }] },
        ],
      },
      {
        name: 'Delivery window',
        type: 'scripted',
        greeting: 'Hello {name}. Your parcel comes {window}.',
        variables: { name: 'there', window: 'tomorrow afternoon' },
        script: {
          start: 'ask',
          states: {
            ask: {
              say: 'Will somebody be at home?',
              expects: {
                yes: { next: 'done', outcome: 'at-home' },
                no: { next: 'done', say: 'Then we leave it with a neighbour.', outcome: 'away' },
              },
              dtmf: { '1': { intent: 'yes', offer: 'if yes' } },
            },
            done: { say: 'Thank you. Goodbye.', end: {} },
          },
        },
      },
    ],
  });

/** A change: what is given replaces what was; settings objects are merged field by field. */
export const agentPatchSchema = z
  .record(z.string(), z.unknown())
  .describe('Any fields of an agent. Objects other than `script` and `variables` are merged.')
  .meta({
    examples: [
      {
        greeting: 'Good morning {name}, this is the assistant of Practice Weber.',
        turn: { endpointing_min_ms: 600 },
        retry: { on: ['no-answer', 'busy'], intervals_s: [1_800, 7_200], max_attempts: 3 },
      },
    ],
  });

export const agentViewSchema = z
  .object({
    id: z.string(),
    ...agentConfigSchema.shape,
    secrets: z.array(z.string()).describe('Names of the provider keys that the agent has.'),
    warnings: z
      .array(z.object({ rule: z.string(), code: z.string(), message: z.string() }))
      .describe('What is not forbidden and yet unwise, such as a greeting that names no business.'),
    version: z.number().int(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Agent' });

export type AgentView = z.output<typeof agentViewSchema>;

export function agentView(row: AgentRow): AgentView {
  // An older version may have stored fewer fields than there are now.
  const { data: config } = agentConfigSchema.safeParse(row.config);
  return {
    ...(config ?? (row.config as AgentConfig)),
    id: row.id,
    secrets: Object.keys(row.secrets),
    warnings: firstUtteranceWarnings({ greeting: config?.greeting ?? null }),
    version: row.version,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

/** Settings objects that a change merges instead of replacing. */
const MERGED = new Set(['llm', 'stt', 'tts', 'turn', 'silence', 'inbound']);

/** The document after a change; still to be validated. */
export function mergeAgent(
  config: AgentConfig,
  patch: Record<string, unknown>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...config };
  for (const [name, value] of Object.entries(patch)) {
    const before = merged[name];
    merged[name] =
      MERGED.has(name) && isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
