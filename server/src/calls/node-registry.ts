import * as nodes from '../db/queries/nodes.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';

const HEARTBEAT_MS = 500;

/** This process among the nodes of the database. */
export interface NodeRegistration {
  /** Stops the heartbeat and takes the node's row away. Idempotent. */
  close(): Promise<void>;
}

/**
 * Registers a new node and keeps its lease, in the database's time. A process that starts again is
 * another node: it never inherits a lease.
 * @param onLost the others have taken this node for dead and settled its calls; it is registered
 *   anew when what is returned has resolved.
 */
export async function registerNode(
  options: { client: Queryable; nodeId: string; clock: Clock; logger: Logger },
  onLost: () => Promise<void>,
): Promise<NodeRegistration> {
  const { client, nodeId, clock, logger } = options;
  await nodes.register(client, nodeId);
  let closed = false;
  let timer: TimerHandle;
  let beating: Promise<void> = Promise.resolve();

  async function beat(): Promise<void> {
    try {
      if (await nodes.heartbeat(client, nodeId)) return;
      logger.error({ nodeId }, 'this node was taken for dead; its calls end');
      await onLost();
      await nodes.register(client, nodeId);
    } catch (error) {
      // A database that is away must not end live calls; the lease outlives a short outage.
      logger.warn({ err: error }, 'the heartbeat did not reach the database');
    }
  }

  function arm(): void {
    timer = clock.setTimer(HEARTBEAT_MS, () => {
      beating = beat().then(() => {
        if (!closed) arm();
      });
    });
  }

  arm();
  return {
    async close() {
      if (closed) return;
      closed = true;
      timer.cancel();
      await beating;
      await nodes.remove(client, nodeId).catch((error: unknown) => {
        logger.warn({ err: error }, 'the node’s row stays until its lease is over');
      });
    },
  };
}
