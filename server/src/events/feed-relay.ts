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
/** A database that is away is not asked, and complained of, four times a second. */
const TROUBLE_MS = 5_000;
/** Numbers are given before the commit: one that is lower may still appear for so long. */
const LATE_COMMIT_MS = 3_000;
const LOOK_BACK_EVENTS = 10_000;

/**
 * Brings what other nodes stored to those who follow calls here, within half a second. Asks the log
 * only while somebody follows; the feed drops what it has told already. Events that are not stored
 * stay on their node.
 */
export function startFeedRelay({ feed, pool, clock, logger }: FeedRelayOptions): FeedRelay {
  /** Null: nobody follows. */
  let afterId: number | null = null;
  /** Whether everything that was stored before the first look has been passed over. */
  let caughtUp = false;
  let timer: TimerHandle | null = null;
  let closed = false;

  async function relay(): Promise<void> {
    const workspaceIds = feed.followedWorkspaces();
    if (workspaceIds.length === 0) {
      afterId = null;
      caughtUp = false;
      return;
    }
    // Some way back: below the newest number there may be events that are not committed yet.
    afterId ??= Math.max(0, (await lastEventId(pool)) - LOOK_BACK_EVENTS);
    const read = await readEventsSince(pool, {
      workspaceIds,
      afterId,
      settledMs: LATE_COMMIT_MS,
    });
    afterId = read.nextId;
    for (const event of caughtUp ? read.events : read.recent) feed.publish(event);
    caughtUp ||= read.isEnd;
  }

  function arm(waitMs: number): void {
    timer = clock.setTimer(waitMs, () => {
      void relay().then(
        () => {
          if (!closed) arm(POLL_MS);
        },
        (error: unknown) => {
          if (closed) return;
          logger.warn({ err: error }, 'events of other nodes were not read');
          arm(TROUBLE_MS);
        },
      );
    });
  }
  arm(POLL_MS);

  return {
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
