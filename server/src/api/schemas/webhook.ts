import { z } from 'zod';
import type { WebhookDeliveryRow } from '../../db/queries/webhook-deliveries.ts';
import type { WebhookEndpointRow } from '../../db/queries/webhook-endpoints.ts';
import { EVENT_TYPES, WEBHOOK_FORMATS, type WebhookFormat } from '../../events/event-type.ts';
import { isoOrNull, pageQuery, timeOrNull } from './common.ts';

const fields = {
  url: z.string().min(1).max(2_000).describe('http or https; reachable from the server.'),
  description: z.string().max(500).nullable(),
  events: z
    .array(z.string().min(1).max(100))
    .max(50)
    .describe(`Empty: all. In the native format any of: ${EVENT_TYPES.join(', ')}.`),
  enabled: z.boolean(),
};

export const webhookCreateSchema = z
  .strictObject({
    ...fields,
    format: z
      .enum(WEBHOOK_FORMATS)
      .describe('Form of the messages: the native one, or that of a vendor. Default `trunkline`.'),
    secret: z
      .string()
      .max(200)
      .describe('`whsec_` and base64 of 24 to 64 bytes. Default: a new one, shown once.'),
  })
  .partial()
  .required({ url: true })
  .meta({ examples: [{ url: 'https://example.com/hooks', events: ['call.status'] }] });

export const webhookPatchSchema = z
  .strictObject(fields)
  .partial()
  .meta({ examples: [{ events: ['call.status', 'wallet.low-balance'], enabled: true }] });

export const webhookRotateSchema = z
  .strictObject({
    overlap_s: z
      .number()
      .int()
      .min(0)
      .max(604_800)
      .default(86_400)
      .describe('How long messages carry a signature of the old secret too.'),
  })
  .prefault({})
  .meta({ examples: [{ overlap_s: 3_600 }] });

export const webhookReplaySchema = z
  .strictObject({
    since: z.iso.datetime({ offset: true }).describe('Events from then on that failed for good.'),
  })
  .meta({ examples: [{ since: '2026-03-02T00:00:00Z' }] });

export const webhookReplayedSchema = z.object({ replayed: z.number().int() });

export const webhookViewSchema = z
  .object({
    id: z.string(),
    agent_id: z.string().nullable().describe('Set where this is the webhook of one agent.'),
    ...fields,
    format: z.enum(WEBHOOK_FORMATS),
    failing_since: timeOrNull.describe('Of the first failure after the last success.'),
    disabled_at: timeOrNull,
    disabled_reason: z
      .string()
      .nullable()
      .describe('`failing` for 5 days, `gone`: it answered 410, `api`: somebody did.'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Webhook' });

/** The answer that shows a secret: the only time. */
export const webhookSecretSchema = webhookViewSchema
  .extend({ secret: z.string().describe('Signs every message; it cannot be read again.') })
  .meta({ id: 'WebhookWithSecret' });

const stateSchema = z.enum(['pending', 'delivered', 'failed', 'skipped']);

export const deliveryListQuery = pageQuery.extend({
  state: stateSchema.optional(),
  call_id: z.string().max(100).optional(),
});

export const deliveryViewSchema = z
  .object({
    id: z.string().describe('The header `webhook-id` of the message.'),
    webhook_id: z.string(),
    event_type: z.string(),
    call_id: z.string().nullable(),
    sequence: z.number().int().nullable().describe('Place of the event within its call.'),
    event_at: z.iso.datetime(),
    event_data: z.record(z.string(), z.unknown()),
    state: stateSchema,
    attempt_count: z.number().int(),
    attempts: z
      .array(
        z.object({
          at: z.string(),
          status: z.number().int().nullable().describe('Of HTTP; null: there was no answer.'),
          latency_ms: z.number(),
          error: z.string().nullable(),
          response: z.string().nullable().describe('The first 500 bytes of the answer.'),
        }),
      )
      .describe('The last 20 tries.'),
    next_attempt_at: timeOrNull.describe('Null while it waits: as soon as may be.'),
    finished_at: timeOrNull,
  })
  .meta({ id: 'WebhookDelivery' });

export function webhookView(row: WebhookEndpointRow): z.output<typeof webhookViewSchema> {
  return {
    id: row.id,
    agent_id: row.agentId,
    url: row.url,
    description: row.description,
    format: row.format as WebhookFormat,
    events: row.events,
    enabled: row.enabled,
    failing_since: isoOrNull(row.failingSince),
    disabled_at: isoOrNull(row.disabledAt),
    disabled_reason: row.disabledReason,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

export function deliveryView(row: WebhookDeliveryRow): z.output<typeof deliveryViewSchema> {
  const isCall = row.eventSequence !== null;
  const nextAt = row.state === 'pending' && row.nextAt instanceof Date ? row.nextAt : null;
  return {
    id: row.id,
    webhook_id: row.endpointId,
    event_type: row.eventType,
    call_id: isCall ? row.orderKey : null,
    sequence: row.eventSequence,
    event_at: row.eventAt.toISOString(),
    event_data: row.eventData,
    state: row.state,
    attempt_count: row.attemptCount,
    attempts: row.attempts,
    next_attempt_at: isoOrNull(nextAt),
    finished_at: isoOrNull(row.finishedAt),
  };
}
