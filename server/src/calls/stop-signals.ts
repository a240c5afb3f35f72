import type { Client, Notification, Pool, PoolClient } from 'pg';
import type { Queryable } from '../db/queries/queryable.ts';
import * as stopRequests from '../db/queries/stop-requests.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';

/** PostgreSQL's NOTIFY channel that carries the ids of calls to stop. */
const STOP_CHANNEL = 'trunkline_call_stop';
const RECONNECT_MS = 1_000;
/** What a notification did not bring, because nobody listened, is found after this at most. */
const SWEEP_MS = 1_000;

/** Hears of calls that were stopped on another node. */
export interface StopSignals {
  /** Idempotent. */
  close(): Promise<void>;
}

/** Asks the node that has the call to stop it. Once this resolves the wish is kept until it is. */
export async function askToStop(client: Queryable, callId: string): Promise<void> {
  await stopRequests.request(client, callId, STOP_CHANNEL);
}

/**
 * Calls `onStop` for calls of this node that were asked to stop: at once while the connection of
 * its own listens, else when it looks. It may be called many times for one call.
 */
export async function listenForStops(
  options: { pool: Pool; nodeId: string; clock: Clock; logger: Logger },
  onStop: (callId: string) => void,
): Promise<StopSignals> {
  const { pool, clock, logger } = options;
  const closing = new AbortController();
  let current: PoolClient | null = null;
  let reconnecting: Promise<void> | null = null;

  const onNotification = (message: Notification): void => {
    if (message.channel === STOP_CHANNEL && message.payload) onStop(message.payload);
  };

  async function connect(): Promise<void> {
    const client = await pool.connect();
    const lost = (err: Error): void => {
      if (current !== client) return;
      current = null;
      client.release(err);
      logger.warn({ err }, 'the connection that hears of stopped calls was lost');
      reconnecting = reconnect();
    };
    client.on('error', lost);
    (client as unknown as Client).on('notification', onNotification);
    try {
      await client.query(`listen ${STOP_CHANNEL}`);
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
    if (closing.signal.aborted) client.release(true);
    else current = client;
  }

  async function reconnect(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await clock.sleep(RECONNECT_MS, closing.signal);
        await connect();
        return;
      } catch (error) {
        if (!closing.signal.aborted) logger.debug({ err: error }, 'cannot listen for stops yet');
      }
    }
  }

  async function sweep(): Promise<void> {
    for (const callId of await stopRequests.listOfNode(pool, options.nodeId)) onStop(callId);
    await stopRequests.forgetOver(pool);
  }

  async function keepSweeping(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await clock.sleep(SWEEP_MS, closing.signal);
        await sweep();
      } catch (error) {
        if (!closing.signal.aborted) logger.debug({ err: error }, 'cannot look for stops yet');
      }
    }
  }

  await connect();
  const sweeping = keepSweeping();
  return {
    async close() {
      closing.abort();
      const client = current;
      current = null;
      // Not given back: a listening connection is of no use to anybody else.
      client?.release(true);
      await Promise.all([sweeping, reconnecting]);
    },
  };
}
