import type { Database } from '../db/database.ts';
import * as deliveries from '../db/queries/webhook-deliveries.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';

const MAX_BATCH = 1_000;
const RETRY_MS = 1_000;

export interface SettlerOptions {
  db: Pick<Database, 'pool'>;
  clock: Clock;
  logger: Logger;
  /** Told when outcomes are stored. */
  onStored: () => void;
}

/**
 * Stores what became of deliveries, as many at once as came together while the statement before
 * was under way. What the database does not take is tried again until it does.
 */
export class Settler {
  readonly #options: SettlerOptions;
  #waiting: deliveries.SettledDelivery[] = [];
  /** Outcomes that are not stored, by sequence number. */
  readonly #unstored = new Map<number, deliveries.WebhookDeliveryState>();
  #running: Promise<void> | null = null;
  #stopping = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  add(settled: deliveries.SettledDelivery): void {
    this.#waiting.push(settled);
    this.#unstored.set(settled.seq, settled.state);
    this.#running ??= this.#run();
  }

  /** Sequence numbers whose outcome is not stored. */
  unstored(): Iterable<number> {
    return this.#unstored.keys();
  }

  /** Whether a delivery has ended and only the database does not know. */
  hasEnded(seq: number): boolean {
    const state = this.#unstored.get(seq);
    return state !== undefined && state !== 'pending';
  }

  get unstoredCount(): number {
    return this.#unstored.size;
  }

  /** Resolves when everything that was added is stored. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Gives up after one more failure. Idempotent. */
  async close(): Promise<void> {
    this.#stopping = true;
    await this.settled();
  }

  async #run(): Promise<void> {
    const { clock, logger, onStored } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      try {
        await this.#store(batch);
      } catch (error) {
        logger.warn({ err: error, count: batch.length }, 'outcomes of webhooks were not stored');
        // What is not stored is delivered again, with the same webhook-id.
        if (this.#stopping) break;
        await clock.sleep(RETRY_MS);
        continue;
      }
      this.#waiting = this.#waiting.slice(batch.length);
      for (const { seq } of batch) this.#unstored.delete(seq);
      onStored();
    }
    this.#running = null;
  }

  async #store(batch: readonly deliveries.SettledDelivery[]): Promise<void> {
    const heads = batch.flatMap(({ endpointId, orderKey, seq, state, nextAt }) =>
      state === 'pending' && nextAt ? [{ endpointId, orderKey, seq, nextAt }] : [],
    );
    const { pool } = this.#options.db;
    await deliveries.settle(pool, batch);
    // Not in one transaction: whoever reads the outbox in between looks at the head by itself.
    if (heads.length > 0) await deliveries.postpone(pool, heads);
  }
}
