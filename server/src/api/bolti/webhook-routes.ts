import { z } from 'zod';
import type { WebhookEndpointRow } from '../../db/queries/webhook-endpoints.ts';
import { eventNamesOf } from '../../events/event-type.ts';
import { WebhookError } from '../../webhooks/endpoint-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { pageOf, pageQuery } from '../schemas/common.ts';
import { invalidRequest } from '../validate.ts';
import { boltiErrors } from './bolti-errors.ts';
import { webhookParams, workspaceParams } from './bolti-schemas.ts';

/** Both secrets sign for a day after a rotation. */
const ROTATION_MS = 24 * 3_600_000;

const fields = {
  url: z.string().min(1).max(2_000).describe('HTTPS, reachable from here.'),
  events: z
    .array(z.string().max(100))
    .max(50)
    .describe(`Any of ${eventNamesOf('bolti').join(', ')}; empty: all.`),
  is_active: z.boolean(),
};

const createBody = z
  .strictObject(fields)
  .partial()
  .required({ url: true })
  .meta({ examples: [{ url: 'https://example.com/hook', events: ['conversation.completed'] }] });
const patchBody = z
  .strictObject(fields)
  .partial()
  .meta({ examples: [{ url: 'https://example.com/hook/v2', is_active: true }] });

const webhookSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    events: z.array(z.string()),
    is_active: z.boolean(),
    created_at: z.string(),
  })
  .meta({ id: 'BoltiWebhook' });
const newWebhookSchema = webhookSchema
  .extend({ secret: z.string().describe('Shown this once; signs every delivery.') })
  .meta({ id: 'NewBoltiWebhook' });

/** `/workspaces/{id}/webhooks`: endpoints in Bolti's format. */
export function boltiWebhookRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolti'];
  const { webhooks, database } = context;

  api.post(
    '/workspaces/:workspace_id/webhooks',
    {
      schema: {
        tags,
        operationId: 'createBoltiWebhook',
        summary: 'Create a webhook; its secret is shown once',
        params: workspaceParams,
        body: createBody,
        response: { 201: newWebhookSchema, ...boltiErrors(409) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { url, events, is_active: enabled } = request.body;
      const made = await database
        .tenant(workspaceId)
        .transaction((client) =>
          webhooks.create(client, workspaceId, { url, events, enabled, format: 'bolti' }),
        )
        .catch(refuse);
      return reply.status(201).send({ ...webhookView(made.endpoint), secret: made.secret });
    },
  );

  api.get(
    '/workspaces/:workspace_id/webhooks',
    {
      schema: {
        tags,
        operationId: 'listBoltiWebhooks',
        summary: 'List webhooks of every format',
        params: workspaceParams,
        querystring: pageQuery,
        response: { 200: pageOf(webhookSchema), ...boltiErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const client = database.tenant(workspaceId);
      const page = await webhooks.list(client, workspaceId, request.query);
      return { data: page.data.map(webhookView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/workspaces/:workspace_id/webhooks/:webhook_id',
    {
      schema: {
        tags,
        operationId: 'getBoltiWebhook',
        summary: 'Get a webhook',
        params: webhookParams,
        response: { 200: webhookSchema, ...boltiErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { webhook_id: id } = request.params;
      const row = await webhooks.get(database.tenant(workspaceId), workspaceId, id);
      if (!row) throw unknownWebhook(id);
      return webhookView(row);
    },
  );

  api.patch(
    '/workspaces/:workspace_id/webhooks/:webhook_id',
    {
      schema: {
        tags,
        operationId: 'updateBoltiWebhook',
        summary: 'Change a webhook',
        params: webhookParams,
        body: patchBody,
        response: { 200: webhookSchema, ...boltiErrors(409) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { webhook_id: id } = request.params;
      const { url, events, is_active: enabled } = request.body;
      const row = await database
        .tenant(workspaceId)
        .transaction((client) => webhooks.update(client, workspaceId, id, { url, events, enabled }))
        .catch(refuse);
      if (!row) throw unknownWebhook(id);
      return webhookView(row);
    },
  );

  api.delete(
    '/workspaces/:workspace_id/webhooks/:webhook_id',
    {
      schema: {
        tags,
        operationId: 'deleteBoltiWebhook',
        summary: 'Delete a webhook',
        params: webhookParams,
        response: { 204: z.null(), ...boltiErrors(409) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { webhook_id: id } = request.params;
      const found = await database
        .tenant(workspaceId)
        .transaction((client) => webhooks.remove(client, workspaceId, id))
        .catch(refuse);
      if (!found) throw unknownWebhook(id);
      return reply.status(204).send(null);
    },
  );

  api.post(
    '/workspaces/:workspace_id/webhooks/:webhook_id/rotate',
    {
      schema: {
        tags,
        operationId: 'rotateBoltiWebhook',
        summary: 'A new secret; the one before signs too for a day',
        params: webhookParams,
        response: { 200: newWebhookSchema, ...boltiErrors(409) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { webhook_id: id } = request.params;
      const made = await webhooks
        .rotate(database.tenant(workspaceId), workspaceId, id, ROTATION_MS)
        .catch(refuse);
      if (!made) throw unknownWebhook(id);
      return { ...webhookView(made.endpoint), secret: made.secret };
    },
  );

  api.post(
    '/workspaces/:workspace_id/webhooks/:webhook_id/test',
    {
      schema: {
        tags,
        operationId: 'testBoltiWebhook',
        summary: 'Send a test message',
        params: webhookParams,
        response: { 202: z.object({ delivery_id: z.string() }), ...boltiErrors(409) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { webhook_id: id } = request.params;
      const client = database.tenant(workspaceId);
      const delivery = await webhooks.test(client, workspaceId, id).catch(refuse);
      if (!delivery) throw unknownWebhook(id);
      return reply.status(202).send({ delivery_id: delivery.id });
    },
  );

  api.post(
    '/workspaces/:workspace_id/webhooks/:webhook_id/replay',
    {
      schema: {
        tags,
        operationId: 'replayBoltiWebhook',
        summary: 'Send again what failed since a time',
        params: webhookParams,
        body: z
          .strictObject({ since: z.iso.datetime({ offset: true }) })
          .meta({ examples: [{ since: '2026-01-01T00:00:00Z' }] }),
        response: { 202: z.object({ count: z.number().int() }), ...boltiErrors(409) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { webhook_id: id } = request.params;
      const since = new Date(request.body.since);
      const count = await webhooks
        .replayFailed(database.tenant(workspaceId), workspaceId, id, since)
        .catch(refuse);
      if (count === null) throw unknownWebhook(id);
      return reply.status(202).send({ count });
    },
  );
}

function webhookView(row: WebhookEndpointRow): z.output<typeof webhookSchema> {
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    is_active: row.enabled,
    created_at: row.createdAt.toISOString(),
  };
}

function unknownWebhook(id: string): ApiError {
  return new ApiError('not_found', `there is no webhook ${id} in this workspace`);
}

function refuse(error: unknown): never {
  if (!(error instanceof WebhookError)) throw error;
  if (error.kind === 'conflict') throw new ApiError('conflict', error.message);
  throw invalidRequest([{ field: error.field, problem: error.message }]);
}
