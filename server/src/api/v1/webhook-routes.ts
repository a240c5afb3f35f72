import { z } from 'zod';
import * as deliveries from '../../db/queries/webhook-deliveries.ts';
import { WebhookError } from '../../webhooks/endpoint-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import {
  errorResponses,
  idParams,
  pageOf,
  pageQuery,
  readErrors,
  writeErrors,
} from '../schemas/common.ts';
import {
  deliveryListQuery,
  deliveryView,
  deliveryViewSchema,
  webhookCreateSchema,
  webhookPatchSchema,
  webhookReplayedSchema,
  webhookReplaySchema,
  webhookRotateSchema,
  webhookSecretSchema,
  webhookView,
  webhookViewSchema,
} from '../schemas/webhook.ts';
import { invalidRequest } from '../validate.ts';

const tags = ['webhooks'];
const conflicts = { ...writeErrors, ...errorResponses(409) };

/** `/v1/webhooks` and `/v1/webhook-deliveries`. */
export function webhookRoutes(api: Api, context: ApiContext): void {
  const { webhooks, database } = context;

  api.post(
    '/webhooks',
    {
      schema: {
        tags,
        operationId: 'createWebhook',
        summary: 'Create a webhook; its secret is shown this once',
        body: webhookCreateSchema,
        response: { 201: webhookSecretSchema, ...conflicts },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const made = await database
        .tenant(workspaceId)
        .transaction((client) => webhooks.create(client, workspaceId, request.body))
        .catch(refuse);
      return reply.status(201).send({ ...webhookView(made.endpoint), secret: made.secret });
    },
  );

  api.get(
    '/webhooks',
    {
      schema: {
        tags,
        operationId: 'listWebhooks',
        summary: 'List webhooks, those of agents among them',
        querystring: pageQuery,
        response: { 200: pageOf(webhookViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const page = await webhooks.list(database.tenant(workspaceId), workspaceId, request.query);
      return { data: page.data.map(webhookView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/webhooks/:id',
    {
      schema: {
        tags,
        operationId: 'getWebhook',
        summary: 'Get a webhook',
        params: idParams,
        response: { 200: webhookViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const found = await webhooks.get(database.tenant(workspaceId), workspaceId, id);
      return webhookView(found ?? missing(id));
    },
  );

  api.patch(
    '/webhooks/:id',
    {
      schema: {
        tags,
        operationId: 'updateWebhook',
        summary: 'Change a webhook; disabling it ends what waits for it as failed',
        params: idParams,
        body: webhookPatchSchema,
        response: { 200: webhookViewSchema, ...conflicts },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const changed = await database
        .tenant(workspaceId)
        .transaction((client) => webhooks.update(client, workspaceId, id, request.body))
        .catch(refuse);
      return webhookView(changed ?? missing(id));
    },
  );

  api.delete(
    '/webhooks/:id',
    {
      schema: {
        tags,
        operationId: 'deleteWebhook',
        summary: 'Delete a webhook; what waits for it is not sent',
        params: idParams,
        response: { 204: z.null(), ...conflicts },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const removed = await database
        .tenant(workspaceId)
        .transaction((client) => webhooks.remove(client, workspaceId, id))
        .catch(refuse);
      if (!removed) missing(id);
      return reply.status(204).send(null);
    },
  );

  api.post(
    '/webhooks/:id/rotate',
    {
      schema: {
        tags,
        operationId: 'rotateWebhookSecret',
        summary: 'Replace the secret; both sign for a while',
        params: idParams,
        body: webhookRotateSchema,
        response: { 200: webhookSecretSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const overlapMs = request.body.overlap_s * 1_000;
      const made =
        (await webhooks.rotate(database.tenant(workspaceId), workspaceId, id, overlapMs)) ??
        missing(id);
      return { ...webhookView(made.endpoint), secret: made.secret };
    },
  );

  api.post(
    '/webhooks/:id/test',
    {
      schema: {
        tags,
        operationId: 'testWebhook',
        summary: 'Send a test message; the delivery shows how it went',
        params: idParams,
        response: { 202: deliveryViewSchema, ...conflicts },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const delivery = await webhooks
        .test(database.tenant(workspaceId), workspaceId, id)
        .catch(refuse);
      context.wakeWebhooks();
      return reply.status(202).send(deliveryView(delivery ?? missing(id)));
    },
  );

  api.post(
    '/webhooks/:id/replay',
    {
      schema: {
        tags,
        operationId: 'replayFailedDeliveries',
        summary: 'Send everything again that failed since a time',
        params: idParams,
        body: webhookReplaySchema,
        response: { 200: webhookReplayedSchema, ...conflicts },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const since = new Date(request.body.since);
      const replayed = await webhooks
        .replayFailed(database.tenant(workspaceId), workspaceId, id, since)
        .catch(refuse);
      context.wakeWebhooks();
      return { replayed: replayed ?? missing(id) };
    },
  );

  api.get(
    '/webhooks/:id/deliveries',
    {
      schema: {
        tags,
        operationId: 'listWebhookDeliveries',
        summary: 'List deliveries to a webhook, with every try',
        params: idParams,
        querystring: deliveryListQuery,
        response: { 200: pageOf(deliveryViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const tenant = database.tenant(workspaceId);
      if (!(await webhooks.get(tenant, workspaceId, id))) missing(id);
      const { state, call_id: callId } = request.query;
      const filter = { endpointId: id, state, callId };
      const page = await deliveries.list(tenant, workspaceId, filter, request.query);
      return { data: page.data.map(deliveryView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/webhook-deliveries/:id',
    {
      schema: {
        tags,
        operationId: 'getWebhookDelivery',
        summary: 'Get a delivery',
        params: idParams,
        response: { 200: deliveryViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const found = await deliveries.get(database.tenant(workspaceId), workspaceId, id);
      return deliveryView(found ?? missing(id));
    },
  );

  api.post(
    '/webhook-deliveries/:id/replay',
    {
      schema: {
        tags,
        operationId: 'replayWebhookDelivery',
        summary: 'Send a delivery again, with the same webhook-id',
        params: idParams,
        response: { 200: deliveryViewSchema, ...conflicts },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const delivery = await webhooks
        .replay(database.tenant(workspaceId), workspaceId, id)
        .catch(refuse);
      context.wakeWebhooks();
      return deliveryView(delivery ?? missing(id));
    },
  );
}

function missing(id: string): never {
  throw new ApiError('not_found', `there is no webhook or delivery ${id} in this workspace`);
}

function refuse(error: unknown): never {
  if (!(error instanceof WebhookError)) throw error;
  if (error.kind === 'conflict') throw new ApiError('conflict', error.message);
  throw invalidRequest([{ field: error.field, problem: error.message }]);
}
