import type { Database } from '../db/database.ts';
import * as endpoints from '../db/queries/webhook-endpoints.ts';
import * as leases from '../db/queries/webhook-leases.ts';
import type { WebhookFormat } from '../events/event-type.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { EndpointLink } from './endpoint-link.ts';
import { liveSecrets } from './endpoint-secrets.ts';
import type { WebhookFormatter } from './formats/webhook-format.ts';
import type { WebhookTarget } from './send-webhook.ts';
import { signingKey } from './signature.ts';

export interface EndpointLeasesOptions {
  db: Pick<Database, 'pool'>;
  clock: Clock;
  logger: Logger;
  secrets: Secrets;
  formats: Readonly<Partial<Record<WebhookFormat, WebhookFormatter>>>;
  nodeId: string;
}

const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 5_000;
/** After so long without a renewal nothing is sent: another node may have taken over. */
const TRUST_MS = 10_000;
const RELOAD_EVERY_MS = 1_000;
const MAX_CLAIMED_AT_ONCE = 200;

/** The endpoints that this node delivers to, and no other node meanwhile. */
export class EndpointLeases {
  readonly #options: EndpointLeasesOptions;
  readonly #links = new Map<string, EndpointLink>();
  #lastRenewalMs = -Infinity;
  #lastReloadMs = -Infinity;
  /** Changes of `failing_since`, one after another. */
  #storing: Promise<void> = Promise.resolve();

  constructor(options: EndpointLeasesOptions) {
    this.#options = options;
  }

  links(): EndpointLink[] {
    return [...this.#links.values()];
  }

  find(endpointId: string): EndpointLink | null {
    return this.#links.get(endpointId) ?? null;
  }

  /** Whether the endpoint is surely still this node's. */
  isHeld(link: EndpointLink): boolean {
    if (this.#links.get(link.id) !== link) return false;
    return this.#options.clock.monotonicMs() - this.#lastRenewalMs < TRUST_MS;
  }

  /**
   * Renews, reads anew what endpoints are like, lets idle ones go and takes what is free. Returns
   * how many were taken.
   */
  async refresh(): Promise<number> {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastRenewalMs >= RENEW_EVERY_MS) await this.#renew();
    if (nowMs - this.#lastReloadMs >= RELOAD_EVERY_MS) {
      await this.#release(this.links().filter((link) => link.isIdle(nowMs)));
      await this.reload([...this.#links.keys()]);
      this.#lastReloadMs = nowMs;
    }
    const { db, nodeId } = this.#options;
    const now = new Date(clock.now());
    const limit = MAX_CLAIMED_AT_ONCE;
    const taken = await leases.claim(db.pool, { nodeId, leaseMs: LEASE_MS, now, limit });
    await this.reload(taken);
    return taken.length;
  }

  /** Remembers in the database since when an endpoint fails. */
  storeFailing(link: EndpointLink, sinceMs: number | null): void {
    const { db, logger } = this.#options;
    link.storedFailingSinceMs = sinceMs;
    const since = sinceMs === null ? null : new Date(sinceMs);
    this.#storing = this.#storing
      .then(() => endpoints.setFailingSince(db.pool, link.id, since))
      .catch((error: unknown) =>
        logger.warn({ err: error, endpoint: link.id }, 'the state of an endpoint was not stored'),
      );
  }

  async close(): Promise<void> {
    await this.#storing;
    try {
      await this.#release(this.links());
    } catch (error) {
      // They run out by themselves.
      this.#options.logger.debug({ err: error }, 'leases of webhooks were not released');
    }
  }

  async #renew(): Promise<void> {
    const { db, clock, nodeId } = this.#options;
    // From before the statement: the lease may run from then on.
    const startedMs = clock.monotonicMs();
    const endpointIds = [...this.#links.keys()];
    if (endpointIds.length > 0) {
      const held = new Set(await leases.renew(db.pool, { nodeId, leaseMs: LEASE_MS, endpointIds }));
      for (const id of endpointIds) if (!held.has(id)) this.#drop(id);
    }
    this.#lastRenewalMs = startedMs;
  }

  async #release(links: readonly EndpointLink[]): Promise<void> {
    if (links.length === 0) return;
    const { db, nodeId } = this.#options;
    const endpointIds = links.map(({ id }) => id);
    for (const id of endpointIds) this.#drop(id);
    await leases.release(db.pool, nodeId, endpointIds);
  }

  #drop(endpointId: string): void {
    this.#links.get(endpointId)?.queue.dropWaiting();
    this.#links.delete(endpointId);
  }

  /** Reads anew what endpoints are like; lets those go that are gone or disabled. */
  async reload(endpointIds: readonly string[]): Promise<void> {
    if (endpointIds.length === 0) return;
    const { db, clock, logger } = this.#options;
    const rows = await endpoints.listDeliverable(db.pool, endpointIds);
    for (const row of rows) {
      const known = this.#links.get(row.id);
      if (!row.enabled || row.deletedAt) {
        if (known) await this.#release([known]);
        continue;
      }
      try {
        const target = await this.#targetOf(row);
        if (!target) continue;
        if (known) {
          known.endpoint = row;
          known.target = target;
        } else this.#links.set(row.id, new EndpointLink(row, target, clock.monotonicMs()));
      } catch (error) {
        // Such as a secret that was sealed with another master key; the others go on.
        logger.error({ err: error, endpoint: row.id }, 'an endpoint cannot be delivered to');
        if (known) this.#drop(row.id);
      }
    }
  }

  async #targetOf(row: endpoints.DeliverableEndpoint): Promise<WebhookTarget | null> {
    const { db, clock, secrets, formats } = this.#options;
    const format = formats[row.format as WebhookFormat];
    if (!format) return null;
    const live = await liveSecrets(db.pool, secrets, row, new Date(clock.now()));
    const signingKeys = live.map(signingKey);
    return { url: row.url, format, events: row.events, secrets: live, signingKeys };
  }
}
