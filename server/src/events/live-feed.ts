import { AsyncQueue } from '../shared/async-queue.ts';
import type { CallEvent } from './call-event.ts';

/** Events that a slow subscriber may have waiting. */
const QUEUE_CAPACITY = 1_000;
/** An event comes a second time, from the log, within seconds. */
const MAX_RECENT = 10_000;

export interface FeedFilter {
  workspaceId: string;
  /** One call only. Default: every call of the workspace. */
  callId?: string;
}

export interface FeedSubscription extends AsyncIterable<CallEvent> {
  /** Events lost because the reader was too slow; a gap in `sequence` says where. */
  readonly droppedCount: number;
  /** Idempotent; the reader finishes after what is queued. */
  close(): void;
}

/** Reads stored events of a call with a sequence above `afterSequence`, in order. */
export type EventHistory = (callId: string, afterSequence: number) => Promise<readonly CallEvent[]>;

/** In-process fan-out of call events. */
export interface LiveFeed {
  /** One that was published a short while ago is not told again. */
  publish(event: CallEvent): void;
  subscribe(filter: FeedFilter): FeedSubscription;
  /** What was stored of a call after `afterSequence`, then what happens live; nothing twice. */
  replay(filter: { workspaceId: string; callId: string }, afterSequence: number): FeedSubscription;
  /** Tells of every event, of whatever workspace, that one was published: no more than that. */
  onPublish(listener: () => void): void;
  /** Whose events somebody waits for. */
  followedWorkspaces(): string[];
  readonly subscriberCount: number;
  /** Ends every subscription. Idempotent. */
  close(): void;
}

interface Subscriber {
  filter: FeedFilter;
  queue: AsyncQueue<CallEvent>;
}

/** @param history where `replay` finds what was stored. */
export function createLiveFeed(history: EventHistory): LiveFeed {
  const subscribers = new Set<Subscriber>();
  const listeners: (() => void)[] = [];
  /** The newest events by call and sequence, oldest first. */
  const recent = new Set<string>();
  let closed = false;

  function add(filter: FeedFilter): { subscriber: Subscriber; close: () => void } {
    const subscriber: Subscriber = {
      filter,
      queue: new AsyncQueue<CallEvent>(QUEUE_CAPACITY, 'drop-oldest'),
    };
    if (closed) subscriber.queue.end();
    else subscribers.add(subscriber);
    return {
      subscriber,
      close() {
        subscribers.delete(subscriber);
        subscriber.queue.end();
      },
    };
  }

  function isRepeated({ callId, sequence }: CallEvent): boolean {
    if (sequence === null) return false;
    const key = `${callId}:${sequence}`;
    if (recent.has(key)) return true;
    recent.add(key);
    const [oldest] = recent.size > MAX_RECENT ? recent : [];
    if (oldest !== undefined) recent.delete(oldest);
    return false;
  }

  return {
    publish(event) {
      if (isRepeated(event)) return;
      for (const { filter, queue } of subscribers) {
        if (filter.workspaceId !== event.workspaceId) continue;
        if (filter.callId !== undefined && filter.callId !== event.callId) continue;
        queue.push(event);
      }
      for (const listener of listeners) listener();
    },
    onPublish(listener) {
      listeners.push(listener);
    },
    subscribe(filter) {
      const { subscriber, close } = add(filter);
      return {
        get droppedCount() {
          return subscriber.queue.droppedCount;
        },
        close,
        [Symbol.asyncIterator]: () => subscriber.queue[Symbol.asyncIterator](),
      };
    },
    replay(filter, afterSequence) {
      // Subscribed before the log is read, so that nothing falls between the two.
      const { subscriber, close } = add(filter);
      return {
        get droppedCount() {
          return subscriber.queue.droppedCount;
        },
        close,
        [Symbol.asyncIterator]: () =>
          replayed(history, filter, afterSequence, subscriber.queue, close),
      };
    },
    followedWorkspaces() {
      return [...new Set([...subscribers].map(({ filter }) => filter.workspaceId))];
    },
    get subscriberCount() {
      return subscribers.size;
    },
    close() {
      closed = true;
      for (const { queue } of subscribers) queue.end();
      subscribers.clear();
      listeners.length = 0;
    },
  };
}

async function* replayed(
  history: EventHistory,
  filter: { workspaceId: string; callId: string },
  afterSequence: number,
  live: AsyncQueue<CallEvent>,
  close: () => void,
): AsyncGenerator<CallEvent, void, void> {
  try {
    let last = afterSequence;
    for (const event of await history(filter.callId, afterSequence)) {
      if (event.workspaceId !== filter.workspaceId) continue;
      if (event.sequence !== null) last = event.sequence;
      yield event;
    }
    for await (const event of live) {
      if (event.sequence !== null && event.sequence <= last) continue;
      if (event.sequence !== null && event.sequence > last + 1) {
        // Dropped by the full queue, or published by another node: the log has them.
        for (const missed of await history(filter.callId, last)) {
          if (missed.sequence === null || missed.sequence >= event.sequence) break;
          last = missed.sequence;
          yield missed;
        }
      }
      if (event.sequence !== null) last = event.sequence;
      yield event;
    }
  } finally {
    close();
  }
}
