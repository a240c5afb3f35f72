import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { lastEventId, readEventsSince } from './event-log.ts';
import type { LiveFeed } from './live-feed.ts';

export interface FeedRelayOptions {
  feed: LiveFeed;
  pool: Queryable;
  clock: Clock;
  logger: Logger;
}

export interface FeedRelay {
  /** Idempotent. */
  close(): void;
}

const POLL_MS = 250;
/** Numbers are given before the commit: one that is lower may still appear for so long. */
const LATE_COMMIT_MS = 3_000;

/**
 * Brings what other nodes stored to those who follow calls here, within half a second. Asks the log
 * only while somebody follows; the feed drops what it has told already. Events that are not stored
 * stay on their node.
 */
export function startFeedRelay({ feed, pool, clock, logger }: FeedRelayOptions): FeedRelay {
  /** Null: nobody follows. */
  let afterId: number | null = null;
  let timer: TimerHandle | null = null;
  let closed = false;

  async function relay(): Promise<void> {
    const workspaceIds = feed.followedWorkspaces();
    if (workspaceIds.length === 0) {
      afterId = null;
      return;
    }
    afterId ??= await lastEventId(pool);
    const read = await readEventsSince(pool, {
      workspaceIds,
      afterId,
      settledMs: LATE_COMMIT_MS,
    });
    afterId = read.nextId;
    for (const event of read.events) feed.publish(event);
  }

  function next(): void {
    timer = clock.setTimer(POLL_MS, () => {
      relay()
        .catch((error: unknown) => {
          if (!closed) logger.warn({ err: error }, 'events of other nodes were not read');
        })
        .finally(() => {
          if (!closed) next();
        });
    });
  }
  next();

  return {
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
