import type { Queryable } from '../db/queries/queryable.ts';
import * as deliveries from '../db/queries/webhook-deliveries.ts';
import * as endpoints from '../db/queries/webhook-endpoints.ts';
import type { WebhookEndpointRow } from '../db/queries/webhook-endpoints.ts';
import type { Page, PageRequest } from '../db/queries/row.ts';
import { eventNamesOf, type WebhookFormat } from '../events/event-type.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { secretPlace } from './endpoint-secrets.ts';
import { newWebhookSecret, webhookSecretProblem } from './signature.ts';

/** A field of an endpoint that cannot be what it is. */
export class WebhookError extends Error {
  /** `conflict`: the field is fine, the endpoint's state or number is not. */
  readonly kind: 'field' | 'conflict';
  readonly field: string;

  constructor(field: string, message: string, kind: 'field' | 'conflict' = 'field') {
    super(message);
    this.name = 'WebhookError';
    this.field = field;
    this.kind = kind;
  }
}

export interface NewWebhook {
  url: string;
  description?: string | null | undefined;
  format?: WebhookFormat | undefined;
  /** In the words of the format. Default: all of them. */
  events?: readonly string[] | undefined;
  enabled?: boolean | undefined;
  /** `whsec_...`. Default: a new one. */
  secret?: string | undefined;
}

export interface WebhookPatch {
  url?: string | undefined;
  description?: string | null | undefined;
  events?: readonly string[] | undefined;
  enabled?: boolean | undefined;
}

/** An endpoint with the secret that is shown this once. */
export interface MadeWebhook {
  endpoint: WebhookEndpointRow;
  secret: string;
}

/** Webhook endpoints of workspaces; every function stays within the given one. */
export interface WebhookStore {
  /** Run it in a transaction: the limit holds as long as its lock. @throws WebhookError */
  create(client: Queryable, workspaceId: string, input: NewWebhook): Promise<MadeWebhook>;
  get(client: Queryable, workspaceId: string, id: string): Promise<WebhookEndpointRow | null>;
  list(
    client: Queryable,
    workspaceId: string,
    request: PageRequest,
  ): Promise<Page<WebhookEndpointRow>>;
  /** Null when there is none. @throws WebhookError */
  update(
    client: Queryable,
    workspaceId: string,
    id: string,
    patch: WebhookPatch,
  ): Promise<WebhookEndpointRow | null>;
  /** What waits counts as failed. False when there is none. @throws WebhookError of an agent's. */
  remove(client: Queryable, workspaceId: string, id: string): Promise<boolean>;
  /** A new secret; the one before signs too for `overlapMs`. Null when there is no endpoint. */
  rotate(
    client: Queryable,
    workspaceId: string,
    id: string,
    overlapMs: number,
  ): Promise<MadeWebhook | null>;
  /** Puts a test message on the outbox. Null when there is no endpoint. @throws WebhookError */
  test(
    client: Queryable,
    workspaceId: string,
    id: string,
  ): Promise<deliveries.WebhookDeliveryRow | null>;
  /** Sends a delivery again. Null when there is none. @throws WebhookError */
  replay(
    client: Queryable,
    workspaceId: string,
    deliveryId: string,
  ): Promise<deliveries.WebhookDeliveryRow | null>;
  /** Sends everything again that failed since; how many. @throws WebhookError */
  replayFailed(
    client: Queryable,
    workspaceId: string,
    id: string,
    since: Date,
  ): Promise<number | null>;
}

export interface WebhookStoreOptions {
  clock: Clock;
  secrets: Secrets;
  /** Why a URL may not be asked; null: it may. */
  checkTargetUrl: (url: string) => string | null;
  /** Formats that this program can send. */
  formats: readonly WebhookFormat[];
}

/** Endpoints of a workspace, those of agents not counted. */
const MAX_ENDPOINTS = 50;
/** Tests of one endpoint that were not sent yet. */
const MAX_WAITING_TESTS = 20;

export function createWebhookStore(options: WebhookStoreOptions): WebhookStore {
  const { clock, secrets } = options;

  function checkUrl(url: string | undefined): void {
    const refusal = url === undefined ? null : options.checkTargetUrl(url);
    if (refusal !== null) throw new WebhookError('url', refusal);
  }

  function checkEvents(format: WebhookFormat, events: readonly string[] | undefined): void {
    const names = eventNamesOf(format);
    const unknown = events?.find((name) => !names.includes(name));
    if (unknown === undefined) return;
    throw new WebhookError(
      'events',
      `${unknown} is no event of the format ${format}; there are ${names.join(', ')}`,
    );
  }

  async function requireEnabled(
    client: Queryable,
    workspaceId: string,
    id: string,
  ): Promise<WebhookEndpointRow | null> {
    const endpoint = await endpoints.get(client, workspaceId, id);
    if (endpoint && !endpoint.enabled) {
      throw new WebhookError('', `the webhook ${id} is disabled; enable it first`, 'conflict');
    }
    return endpoint;
  }

  return {
    async create(client, workspaceId, input) {
      const format = input.format ?? 'trunkline';
      if (!options.formats.includes(format)) {
        throw new WebhookError('format', `this server does not send the format ${format}`);
      }
      checkUrl(input.url);
      checkEvents(format, input.events);
      const problem = input.secret === undefined ? null : webhookSecretProblem(input.secret);
      if (problem !== null) throw new WebhookError('secret', problem);
      await endpoints.lockCount(client, workspaceId);
      if ((await endpoints.count(client, workspaceId)) >= MAX_ENDPOINTS) {
        throw new WebhookError('', `a workspace has at most ${MAX_ENDPOINTS} webhooks`, 'conflict');
      }
      const id = newId('webhook', clock.now());
      const secret = input.secret ?? newWebhookSecret();
      const endpoint = await endpoints.insert(client, {
        id,
        workspaceId,
        url: input.url,
        description: input.description ?? null,
        format,
        events: [...new Set(input.events)],
        enabled: input.enabled ?? true,
        secretSealed: secrets.seal(secretPlace({ workspaceId, id }), secret),
      });
      return { endpoint, secret };
    },
    get: (client, workspaceId, id) => endpoints.get(client, workspaceId, id),
    list: (client, workspaceId, request) => endpoints.list(client, workspaceId, request),
    async update(client, workspaceId, id, patch) {
      const before = await endpoints.get(client, workspaceId, id);
      if (!before) return null;
      const { url, description, events, enabled } = patch;
      if (before.agentId !== null && (url !== undefined || events !== undefined)) {
        throw new WebhookError(
          url === undefined ? 'events' : 'url',
          `this is the webhook of agent ${before.agentId}; change the agent's field webhook`,
        );
      }
      checkUrl(url);
      checkEvents(before.format as WebhookFormat, events);
      if (enabled === false && before.enabled) {
        await deliveries.failPending(client, id, new Date(clock.now()));
      }
      return endpoints.update(client, workspaceId, id, {
        url,
        description,
        events: events && [...new Set(events)],
        enabled,
        ...(enabled === true && { disabledAt: null, disabledReason: null, failingSince: null }),
        ...(enabled === false &&
          before.enabled && { disabledAt: new Date(clock.now()), disabledReason: 'api' }),
      });
    },
    async remove(client, workspaceId, id) {
      const endpoint = await endpoints.get(client, workspaceId, id);
      if (!endpoint) return false;
      if (endpoint.agentId !== null) {
        throw new WebhookError(
          '',
          `this is the webhook of agent ${endpoint.agentId}; set the agent's field webhook to null`,
          'conflict',
        );
      }
      await deliveries.failPending(client, id, new Date(clock.now()));
      return endpoints.softDelete(client, workspaceId, id);
    },
    async rotate(client, workspaceId, id, overlapMs) {
      const before = await endpoints.get(client, workspaceId, id);
      if (!before) return null;
      const secret = newWebhookSecret();
      const endpoint = await endpoints.update(client, workspaceId, id, {
        secretSealed: secrets.seal(secretPlace(before), secret),
        previousSecretSealed: overlapMs > 0 ? before.secretSealed : null,
        previousSecretUntil: new Date(clock.now() + overlapMs),
      });
      return endpoint && { endpoint, secret };
    },
    async test(client, workspaceId, id) {
      const endpoint = await requireEnabled(client, workspaceId, id);
      if (!endpoint) return null;
      if ((await deliveries.countTests(client, id)) >= MAX_WAITING_TESTS) {
        throw new WebhookError(
          '',
          `${MAX_WAITING_TESTS} tests of webhook ${id} wait already; see its deliveries`,
          'conflict',
        );
      }
      const data = { webhook_id: id, message: 'A test: nothing has happened.' };
      const event = { workspaceId, endpointId: id, type: 'webhook.test', data };
      return deliveries.enqueueFor(client, event);
    },
    async replay(client, workspaceId, deliveryId) {
      const delivery = await deliveries.get(client, workspaceId, deliveryId);
      if (!delivery) return null;
      const endpoint = await requireEnabled(client, workspaceId, delivery.endpointId);
      if (!endpoint) {
        throw new WebhookError('', 'the webhook of this delivery was deleted', 'conflict');
      }
      return deliveries.replay(client, workspaceId, deliveryId);
    },
    async replayFailed(client, workspaceId, id, since) {
      const endpoint = await requireEnabled(client, workspaceId, id);
      return endpoint && deliveries.replayFailed(client, workspaceId, id, since);
    },
  };
}
