import type { Client, Notification, Pool, PoolClient } from 'pg';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';

/** PostgreSQL's NOTIFY channel that carries the ids of calls to stop. */
export const STOP_CHANNEL = 'trunkline_call_stop';
const RECONNECT_MS = 1_000;

/** Hears of calls that were stopped on another node. */
export interface StopSignals {
  /** Idempotent. */
  close(): Promise<void>;
}

/** Listens on a connection of its own, and again when that breaks. */
export async function listenForStops(
  options: { pool: Pool; clock: Clock; logger: Logger },
  onStop: (callId: string) => void,
): Promise<StopSignals> {
  const { pool, clock, logger } = options;
  const closing = new AbortController();
  let current: PoolClient | null = null;

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
      void reconnect();
    };
    client.on('error', lost);
    (client as unknown as Client).on('notification', onNotification);
    try {
      await client.query(`listen ${STOP_CHANNEL}`);
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
    current = client;
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

  await connect();
  return {
    close() {
      closing.abort();
      const client = current;
      current = null;
      // Not given back: a listening connection is of no use to anybody else.
      client?.release(true);
      return Promise.resolve();
    },
  };
}
