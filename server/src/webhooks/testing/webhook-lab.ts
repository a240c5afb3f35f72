import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { openDatabase, type Database } from '../../db/database.ts';
import * as agents from '../../db/queries/agents.ts';
import * as calls from '../../db/queries/calls.ts';
import * as deliveries from '../../db/queries/webhook-deliveries.ts';
import { createTestDatabase } from '../../db/testing/test-database.ts';
import { createSafeFetch, type SafeFetch } from '../../egress/safe-fetch.ts';
import type { CallEventDraft } from '../../events/call-event.ts';
import { appendCallEvent } from '../../events/event-log.ts';
import { systemClock, type Clock } from '../../shared/clock.ts';
import { newId } from '../../shared/ids.ts';
import { silentLogger } from '../../shared/logger.ts';
import { createSecrets, type Secrets } from '../../workspaces/secrets.ts';
import { ensureDefaultWorkspace } from '../../workspaces/workspace-store.ts';
import { startDeliverer, type Deliverer, type DelivererOptions } from '../deliverer.ts';
import {
  createWebhookStore,
  type MadeWebhook,
  type NewWebhook,
  type WebhookStore,
} from '../endpoint-store.ts';
import { formatList } from '../formats/format-list.ts';

/** A message as a receiver saw it. */
export interface Received {
  path: string;
  headers: Record<string, string>;
  body: string;
  json: Record<string, unknown>;
}

/** A receiver of webhooks on loopback. */
export interface Sink {
  url: string;
  received: Received[];
  /** What it answers. Default 200; `never`: it does not. */
  status: number | 'never' | ((message: Received) => number | 'never' | Promise<number>);
  /** Headers of the answer. Default none. */
  headers: Record<string, string>;
  close(): Promise<void>;
}

/** A database, a workspace with an agent, and receivers; nodes are added by tests. */
export interface WebhookLab {
  db: Database;
  clock: Clock;
  secrets: Secrets;
  safeFetch: SafeFetch;
  store: WebhookStore;
  workspaceId: string;
  agentId: string;
  sink(): Promise<Sink>;
  endpoint(url: string, input?: Partial<NewWebhook>): Promise<MadeWebhook>;
  deliverer(overrides?: Partial<DelivererOptions>): Deliverer;
  call(patch?: Partial<calls.NewCall>): Promise<string>;
  happen(callId: string, draft: CallEventDraft): Promise<void>;
  deliveriesOf(endpointId: string): Promise<deliveries.WebhookDeliveryRow[]>;
  close(): Promise<void>;
}

export async function openWebhookLab(clock: Clock = systemClock): Promise<WebhookLab> {
  const test = await createTestDatabase();
  const db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
  const secrets = createSecrets([randomBytes(32)]);
  const workspace = await ensureDefaultWorkspace(db, systemClock);
  const agent = await agents.insert(db.pool, {
    id: newId('agent', systemClock.now()),
    workspaceId: workspace.id,
    config: { name: 'lab' },
  });
  const safeFetch = createSafeFetch({ allowPrivateTargets: ['127.0.0.0/8'], clock });
  const formats = formatList({
    describeCall: ({ call }) => ({ id: call.id, status: call.status }),
  });
  const store = createWebhookStore({
    clock,
    secrets,
    checkTargetUrl: safeFetch.checkTargetUrl,
    formats: ['trunkline', 'bolna', 'bolti'],
  });
  const opened: { close(): Promise<void> }[] = [];
  let nodes = 0;
  return {
    db,
    clock,
    secrets,
    safeFetch,
    store,
    workspaceId: workspace.id,
    agentId: agent.id,
    async sink() {
      const sink = await openSink();
      opened.unshift(sink);
      return sink;
    },
    endpoint: (url, input = {}) => store.create(db.pool, workspace.id, { url, ...input }),
    deliverer(overrides = {}) {
      const made = startDeliverer({
        db,
        clock,
        logger: silentLogger,
        secrets,
        safeFetch,
        formats,
        recordingUrlOf: () => null,
        nodeId: `node_${nodes++}`,
        ...overrides,
      });
      opened.push(made);
      return made;
    },
    async call(patch = {}) {
      const row = await calls.insert(db.pool, {
        id: newId('call', systemClock.now()),
        workspaceId: workspace.id,
        agentId: agent.id,
        direction: 'outbound',
        fromNumber: '+15005550199',
        toNumber: '+15005550101',
        status: 'queued',
        ...patch,
      });
      return row.id;
    },
    async happen(callId, draft) {
      await db.transaction((client) => appendCallEvent(client, callId, draft));
    },
    async deliveriesOf(endpointId) {
      const { data } = await deliveries.list(db.pool, workspace.id, { endpointId }, { limit: 200 });
      return data.toSorted((a, b) => a.seq - b.seq);
    },
    async close() {
      // Receivers first: what they hold open would keep a deliverer waiting.
      for (const thing of opened) await thing.close();
      await safeFetch.close();
      await db.close();
      await test.close();
    },
  };
}

/** The data of a status event. */
export function statusDraft(
  type: 'call.queued' | 'call.initiated' | 'call.ringing' | 'call.answered' | 'call.status',
  status: string,
): CallEventDraft {
  const sip = { code: null, reason: null };
  return { type, data: { status, end_reason: null, ended_by: null, sip } };
}

async function openSink(): Promise<Sink> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const message: Received = {
        path: request.url ?? '',
        headers: request.headers as Record<string, string>,
        body,
        json: JSON.parse(body) as Record<string, unknown>,
      };
      sink.received.push(message);
      void Promise.resolve(
        typeof sink.status === 'function' ? sink.status(message) : sink.status,
      ).then((status) => {
        if (status !== 'never') response.writeHead(status, sink.headers).end(`answer ${status}`);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let closing: Promise<void> | null = null;
  const sink: Sink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received: [],
    status: 200,
    headers: {},
    close() {
      closing ??= (async () => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      })();
      return closing;
    },
  };
  return sink;
}
