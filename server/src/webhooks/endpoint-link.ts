import type { WebhookDeliveryRow } from '../db/queries/webhook-deliveries.ts';
import type { DeliverableEndpoint } from '../db/queries/webhook-endpoints.ts';
import {
  concurrencyOf,
  endpointNext,
  newEndpointState,
  type EndpointState,
} from './endpoint-fsm.ts';
import { EndpointQueue } from './endpoint-queue.ts';
import type { CallFacts } from './formats/webhook-format.ts';
import { MAX_RETRY_AFTER_MS } from './retry-after.ts';
import type { WebhookTarget } from './send-webhook.ts';

/** A delivery that is loaded, with what its format shows. */
export interface LoadedDelivery extends WebhookDeliveryRow {
  facts: CallFacts | null;
}

/** Loaded for each request that may be under way. */
const LOADED_PER_REQUEST = 16;
const IDLE_RELEASE_MS = 30_000;
const FAILING_RELEASE_MS = 2 * MAX_RETRY_AFTER_MS;

/** One endpoint that this node delivers to. */
export class EndpointLink {
  readonly id: string;
  readonly workspaceId: string;
  readonly queue = new EndpointQueue<LoadedDelivery>();
  endpoint: DeliverableEndpoint;
  target: WebhookTarget;
  /** What the database says. */
  storedFailingSinceMs: number | null;
  #state: EndpointState;
  #lastBusyMs: number;

  constructor(endpoint: DeliverableEndpoint, target: WebhookTarget, monotonicMs: number) {
    this.id = endpoint.id;
    this.workspaceId = endpoint.workspaceId;
    this.endpoint = endpoint;
    this.target = target;
    this.storedFailingSinceMs = endpoint.failingSince?.getTime() ?? null;
    this.#state = newEndpointState(this.storedFailingSinceMs);
    this.#lastBusyMs = monotonicMs;
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** Whether the endpoint was changed since it was read. */
  isOlderThan({ rowVersion }: { rowVersion: string }): boolean {
    return this.endpoint.rowVersion !== rowVersion;
  }

  /** Deliveries that may be loaded now. */
  room(nowMs: number): number {
    const concurrency = concurrencyOf(this.#state, nowMs);
    const wanted = this.#state.kind === 'healthy' ? concurrency * LOADED_PER_REQUEST : concurrency;
    return Math.max(0, wanted - this.queue.size);
  }

  /** Whether it is worth asking for more. */
  isHungry(nowMs: number): boolean {
    const room = this.room(nowMs);
    if (this.#state.kind === 'failing') return room > 0;
    return room >= (this.#state.concurrency * LOADED_PER_REQUEST) / 2;
  }

  /** The next delivery that may be sent now; null: none. */
  take(nowMs: number, monotonicMs: number): LoadedDelivery | null {
    if (this.queue.sendingCount >= concurrencyOf(this.#state, nowMs)) return null;
    const item = this.queue.take();
    if (item) this.#lastBusyMs = monotonicMs;
    return item;
  }

  succeeded(): void {
    this.#state = endpointNext(this.#state, { type: 'success' });
  }

  /** What waits in memory is let go when the endpoint is to be left alone for a while. */
  failed(atMs: number, waitMs: number | null = null): void {
    this.#state = endpointNext(this.#state, { type: 'failure', atMs, waitMs });
    if (this.#state.kind === 'failing') this.queue.dropWaiting();
  }

  isIdle(monotonicMs: number): boolean {
    // Whoever took a failing one anew would not know that it is to be left alone.
    const keepMs = this.#state.kind === 'failing' ? FAILING_RELEASE_MS : IDLE_RELEASE_MS;
    return this.queue.size === 0 && monotonicMs - this.#lastBusyMs >= keepMs;
  }
}
