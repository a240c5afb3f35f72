import { randomInt } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import * as deliveries from '../db/queries/webhook-deliveries.ts';
import type { SafeFetch } from '../egress/safe-fetch.ts';
import type { EventType, WebhookFormat } from '../events/event-type.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { disableEndpoint } from './disable-endpoint.ts';
import { EndpointLeases } from './endpoint-leases.ts';
import type { EndpointLink, LoadedDelivery } from './endpoint-link.ts';
import type { WebhookFormatter } from './formats/webhook-format.ts';
import { loadFacts, type RecordingUrlOf } from './load-facts.ts';
import { DISABLE_AFTER_MS, nextTryMs } from './retry-schedule.ts';
import { sendWebhook, type SentWebhook } from './send-webhook.ts';
import { Settler } from './settler.ts';

export interface DelivererOptions {
  db: Pick<Database, 'pool' | 'transaction'>;
  clock: Clock;
  logger: Logger;
  secrets: Secrets;
  safeFetch: SafeFetch;
  /** A format that is missing is not delivered by this node. */
  formats: Readonly<Partial<Record<WebhookFormat, WebhookFormatter>>>;
  recordingUrlOf: RecordingUrlOf;
  nodeId: string;
}

/** Tries by their result, and how long they took together. */
export interface DelivererCounters {
  delivered: number;
  failed: number;
  skipped: number;
  tryMs: number;
}

/** Sends what is on the outbox. */
export interface Deliverer {
  /** There may be something new on the outbox; without it that is seen within 250 ms. */
  wake(): void;
  /** Resolves when nothing is under way, nothing is due and every outcome is stored. */
  idle(): Promise<void>;
  /** What this node has done since it started. */
  readonly counters: Readonly<DelivererCounters>;
  /** Gives what is under way 2 s to end, and its endpoints to other nodes. Idempotent. */
  close(): Promise<void>;
}

const POLL_MS = 250;
const CLAIM_EVERY_MS = 50;
const PRUNE_EVERY_MS = 600_000;
const KEEP_MS = 30 * 24 * 3_600_000;
const PRUNE_BATCH = 5_000;
const CLOSE_GRACE_MS = 2_000;
const GONE = 410;
/** Failures for so long, with no success, were the endpoint's and not single messages'. */
const OUTAGE_MS = 300_000;
const TROUBLE_PAUSE_MS = 1_000;

/** Starts to deliver. Any number of nodes may do so on one database. */
export function startDeliverer(options: DelivererOptions): Deliverer {
  return new OutboxDeliverer(options);
}

class OutboxDeliverer implements Deliverer {
  readonly counters: DelivererCounters = { delivered: 0, failed: 0, skipped: 0, tryMs: 0 };
  readonly #options: DelivererOptions;
  readonly #leases: EndpointLeases;
  readonly #settler: Settler;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;
  #sendingCount = 0;
  #rounds = 0;
  #isWoken = false;
  #isClosing = false;
  #closing: Promise<void> | null = null;
  #resume: (() => void) | null = null;
  #timer: TimerHandle | null = null;
  #lastClaimMs = -Infinity;
  #lastPruneMs = -Infinity;
  #idleWaiters: (() => void)[] = [];

  constructor(options: DelivererOptions) {
    this.#options = options;
    const { db, clock, logger } = options;
    this.#leases = new EndpointLeases(options);
    this.#settler = new Settler({ db, clock, logger, onStored: () => this.wake() });
    this.#running = this.#run();
  }

  wake(): void {
    this.#isWoken = true;
    this.#resume?.();
  }

  async idle(): Promise<void> {
    // A round that began before now may have looked before the newest was committed.
    const wanted = this.#rounds + 2;
    while (!this.#isClosing) {
      const isQuiet = this.#sendingCount === 0 && this.#settler.unstoredCount === 0;
      if (this.#rounds >= wanted && isQuiet && !this.#isWoken) return;
      await new Promise<void>((resolve) => {
        this.#idleWaiters.push(resolve);
        this.wake();
      });
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options;
    this.#isClosing = true;
    this.wake();
    await this.#running;
    const grace = clock.setTimer(CLOSE_GRACE_MS, () => this.#abort.abort());
    while (this.#sendingCount > 0) {
      await new Promise<void>((resolve) => {
        this.#idleWaiters.push(resolve);
      });
    }
    grace.cancel();
    await this.#settler.close();
    await this.#leases.close();
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    while (!this.#isClosing) {
      // A round may find nothing to ask the database: those who wake it must not starve the rest.
      await nextTurn();
      this.#isWoken = false;
      let found = 0;
      try {
        // Side by side: endpoints that are held already do not wait for those that may be free.
        [found] = await Promise.all([this.#load(), this.#claim()]);
        await this.#prune();
      } catch (error) {
        if (this.#isClosing) break;
        logger.warn({ err: error }, 'webhooks could not be read from the outbox');
        await this.#pause(TROUBLE_PAUSE_MS);
      }
      this.#rounds++;
      this.#pump();
      this.#tellIdle();
      const isHungry = this.#leases.links().some((link) => link.isHungry(clock.now()));
      if (found > 0 && isHungry) continue;
      if (!this.#isWoken) await this.#pause(POLL_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const resume = (): void => {
        this.#timer?.cancel();
        this.#timer = null;
        this.#resume = null;
        resolve();
      };
      this.#resume = resume;
      this.#timer = this.#options.clock.setTimer(ms, resume);
    });
  }

  async #claim(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#lastClaimMs < CLAIM_EVERY_MS) return;
    this.#lastClaimMs = nowMs;
    if ((await this.#leases.refresh()) > 0) this.wake();
  }

  /** Reads what is due into the queues. Returns how many deliveries came. */
  async #load(): Promise<number> {
    const { db, clock, recordingUrlOf } = this.#options;
    const nowMs = clock.now();
    const links = this.#leases.links();
    const rooms = links
      .filter((link) => link.isHungry(nowMs))
      .map((link) => ({ endpointId: link.id, room: link.room(nowMs) }));
    if (rooms.length === 0) return 0;
    const known = [
      ...links.flatMap(({ queue }) => [...queue.loaded()]),
      ...this.#settler.unstored(),
    ];
    const due = await deliveries.listDue(db.pool, rooms, known, new Date(nowMs));
    // A message is never sent to what its endpoint was like before the message came about.
    const changed = due.filter((row) => this.#leases.find(row.endpointId)?.isOlderThan(row));
    await this.#leases.reload([...new Set(changed.map(({ endpointId }) => endpointId))]);
    const wanting = due.filter((row) => this.#wantsCall(row)).map(({ orderKey }) => orderKey);
    const facts = await loadFacts(db.pool, [...new Set(wanting)], recordingUrlOf);
    const blocked: deliveries.DueDelivery[] = [];
    let count = 0;
    for (const row of due) {
      const link = this.#leases.find(row.endpointId);
      if (!link) continue;
      if (this.#isBlocked(link, row)) {
        if (isLater(row.headNextAt, nowMs)) blocked.push(row);
        continue;
      }
      const shown = this.#wantsCall(row) ? facts.get(row.orderKey) : null;
      link.queue.add({ ...row, facts: shown ?? null });
      count++;
    }
    if (blocked.length > 0) await this.#holdBack(blocked);
    return count;
  }

  #wantsCall(row: deliveries.DueDelivery): boolean {
    if (row.eventSequence === null) return false;
    const format = this.#leases.find(row.endpointId)?.target.format;
    return format?.needsCall(row.eventType as EventType) ?? false;
  }

  /** Whether an earlier delivery of the same key is neither here nor at its end. */
  #isBlocked(link: EndpointLink, row: deliveries.DueDelivery): boolean {
    if (row.headSeq >= row.seq || link.queue.has(row.headSeq)) return false;
    return !this.#settler.hasEnded(row.headSeq);
  }

  /** Behind one that waits for its next try; added after that one had failed. */
  #holdBack(rows: readonly deliveries.DueDelivery[]): Promise<void> {
    return deliveries.postpone(
      this.#options.db.pool,
      rows.map(({ endpointId, orderKey, headSeq, headNextAt }) => ({
        endpointId,
        orderKey,
        seq: headSeq,
        nextAt: headNextAt as Date,
      })),
    );
  }

  /** Sends what may be sent. */
  #pump(): void {
    const { clock } = this.#options;
    for (const link of this.#leases.links()) this.#pumpOne(link, clock.now(), clock.monotonicMs());
  }

  #pumpOne(link: EndpointLink, nowMs: number, monotonicMs: number): void {
    if (this.#isClosing || !this.#leases.isHeld(link)) return;
    for (let item = link.take(nowMs, monotonicMs); item; item = link.take(nowMs, monotonicMs)) {
      this.#sendingCount++;
      void this.#deliver(link, item);
    }
  }

  async #deliver(link: EndpointLink, item: LoadedDelivery): Promise<void> {
    const { clock, logger, safeFetch } = this.#options;
    const isCall = item.eventSequence !== null;
    const event = {
      id: item.id,
      workspaceId: item.workspaceId,
      type: item.eventType as EventType,
      callId: isCall ? item.orderKey : null,
      sequence: item.eventSequence,
      at: item.eventAt,
      data: item.eventData,
    };
    try {
      const ctx = { safeFetch, clock, signal: this.#abort.signal };
      this.#ended(link, item, await sendWebhook(ctx, link.target, event, item.facts));
    } catch (error) {
      logger.error({ err: error, delivery: item.id }, 'a webhook was neither sent nor refused');
      link.queue.failed(item);
    }
    this.#sendingCount--;
    const nowMs = clock.now();
    this.#pumpOne(link, nowMs, clock.monotonicMs());
    if (link.isHungry(nowMs)) this.wake();
    this.#tellIdle();
  }

  #ended(link: EndpointLink, item: LoadedDelivery, sent: SentWebhook): void {
    const atMs = this.#options.clock.now();
    const { id, seq, endpointId, orderKey } = item;
    const settled = { id, seq, endpointId, orderKey, attempt: sent.attempt, at: new Date(atMs) };
    if (sent.result !== 'aborted') this.counters[sent.result]++;
    this.counters.tryMs += sent.attempt?.latency_ms ?? 0;
    switch (sent.result) {
      case 'aborted':
        // Nothing is known of it: it stays due and is sent again, with the same webhook-id.
        link.queue.failed(item);
        return;
      case 'skipped':
        link.queue.done(item);
        this.#settler.add({
          ...settled,
          state: 'skipped',
          retryStep: item.retryStep,
          nextAt: null,
        });
        return;
      case 'delivered':
        link.succeeded();
        link.queue.done(item);
        this.#settler.add({ ...settled, state: 'delivered', retryStep: 0, nextAt: null });
        if (link.storedFailingSinceMs !== null) {
          if (atMs - link.storedFailingSinceMs >= OUTAGE_MS) void this.#hasten(link);
          this.#leases.storeFailing(link, null);
        }
        return;
      case 'failed':
        this.#failed(link, item, settled, {
          status: sent.attempt?.status ?? null,
          waitMs: sent.retryAfterMs ?? null,
        });
    }
  }

  #failed(
    link: EndpointLink,
    item: LoadedDelivery,
    settled: Omit<deliveries.SettledDelivery, 'state' | 'retryStep' | 'nextAt'>,
    { status, waitMs }: { status: number | null; waitMs: number | null },
  ): void {
    const atMs = settled.at.getTime();
    const usualMs = nextTryMs(item.retryStep, atMs, randomInt(1_000) / 1_000);
    const tryMs = usualMs && Math.max(usualMs, atMs + (waitMs ?? 0));
    if (tryMs === null) link.queue.done(item);
    else link.queue.failed(item);
    this.#settler.add({
      ...settled,
      state: tryMs === null ? 'failed' : 'pending',
      retryStep: item.retryStep + 1,
      nextAt: tryMs === null ? null : new Date(tryMs),
    });
    link.failed(atMs, waitMs);
    const { state } = link;
    const sinceMs = state.failingSinceMs ?? atMs;
    // From the first failure on: an endpoint that gets little is let go of between its messages.
    if (link.storedFailingSinceMs === null) this.#leases.storeFailing(link, sinceMs);
    const isLong = atMs - sinceMs >= DISABLE_AFTER_MS;
    if (status === GONE || isLong) void this.#disable(link, status === GONE ? 'gone' : 'failing');
  }

  /** An endpoint is back: what waits for its next try need not wait any longer. */
  async #hasten(link: EndpointLink): Promise<void> {
    const { db, clock, logger } = this.#options;
    try {
      await this.#settler.settled();
      if ((await deliveries.hasten(db.pool, link.id, new Date(clock.now()))) > 0) this.wake();
    } catch (error) {
      // Then each comes at its own time.
      logger.warn({ err: error, endpoint: link.id }, 'webhooks that wait were not brought forward');
    }
  }

  async #disable(link: EndpointLink, reason: 'gone' | 'failing'): Promise<void> {
    const { db, clock, logger } = this.#options;
    try {
      await this.#settler.settled();
      await db.transaction((client) =>
        disableEndpoint(client, link.endpoint, {
          reason,
          at: new Date(clock.now()),
          failingSince: new Date(link.state.failingSinceMs ?? clock.now()),
        }),
      );
      link.queue.dropWaiting();
      logger.warn({ endpoint: link.id, reason }, 'an endpoint of webhooks was disabled');
    } catch (error) {
      // Its next failure tries again.
      logger.warn({ err: error, endpoint: link.id }, 'an endpoint could not be disabled');
    }
  }

  async #prune(): Promise<void> {
    const { db, clock } = this.#options;
    if (clock.monotonicMs() - this.#lastPruneMs < PRUNE_EVERY_MS) return;
    const before = new Date(clock.now() - KEEP_MS);
    const pruned = await deliveries.prune(db.pool, before, PRUNE_BATCH);
    if (pruned < PRUNE_BATCH) this.#lastPruneMs = clock.monotonicMs();
  }

  #tellIdle(): void {
    for (const waiter of this.#idleWaiters.splice(0)) waiter();
  }
}

function isLater(time: Date | number, nowMs: number): boolean {
  return time instanceof Date && time.getTime() > nowMs;
}
