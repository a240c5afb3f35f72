import { z } from 'zod';

const numberSchema = z.string().regex(/^\+[1-9]\d{6,14}$/, 'expected a number in E.164 form');

const apiLookupSchema = z.strictObject({
  type: z.literal('api'),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .describe(
      'Asked by GET with `contact_number`, `agent_id` and `execution_id`; its JSON object becomes ' +
        'variables. The Bearer token is the agent’s secret INBOUND_LOOKUP_TOKEN.',
    ),
  timeout_ms: z.number().int().min(100).max(5_000).default(800),
});

const csvLookupSchema = z.strictObject({
  type: z.literal('csv'),
  csv: z
    .string()
    .max(500_000)
    .describe('A header line and one line a contact; each column is a variable.'),
  number_column: z
    .string()
    .min(1)
    .max(100)
    .default('contact_number')
    .describe('The column with the number in E.164 form.'),
});

/** How an agent takes calls that come in. */
export const inboundSchema = z.strictObject({
  lookup: z
    .discriminatedUnion('type', [apiLookupSchema, csvLookupSchema])
    .nullable()
    .default(null)
    .describe('Who calls? Asked before the greeting.'),
  unknown_callers: z
    .enum(['accept', 'reject'])
    .default('accept')
    .describe('What is done with a caller whom the lookup does not know.'),
  allowed_callers: z
    .array(numberSchema)
    .max(10_000)
    .default([])
    .describe('Only these numbers may call. Empty: all.'),
  max_calls_per_caller: z
    .strictObject({
      calls: z.number().int().min(1).max(1_000),
      per_s: z.number().int().min(60).max(2_592_000),
    })
    .nullable()
    .default(null)
    .describe('Answered calls of one number in so many seconds.'),
  over_capacity: z
    .enum(['busy', 'unavailable'])
    .default('busy')
    .describe(
      '486, on which a carrier gives up, or 503, on which it tries its fallback; a trunk with a ' +
        'fallback is answered 503 in any case.',
    ),
});

export type InboundSettings = z.output<typeof inboundSchema>;
