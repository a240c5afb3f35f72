import { describe, expect, it } from 'vitest';
import type { CallEvent } from './call-event.ts';
import { createLiveFeed } from './live-feed.ts';

function dtmf(sequence: number | null, callId = 'call_1', workspaceId = 'ws_1'): CallEvent {
  return {
    workspaceId,
    callId,
    sequence,
    atMs: 0,
    type: 'call.dtmf',
    data: { digit: '1', from: 'caller' },
  };
}

async function sequences(events: AsyncIterable<CallEvent>): Promise<(number | null)[]> {
  const seen: (number | null)[] = [];
  for await (const event of events) seen.push(event.sequence);
  return seen;
}

describe('the live feed', () => {
  it('gives a subscriber the events of its workspace and call only', async () => {
    const feed = createLiveFeed(() => Promise.resolve([]));
    const one = feed.subscribe({ workspaceId: 'ws_1', callId: 'call_1' });
    const all = feed.subscribe({ workspaceId: 'ws_1' });
    feed.publish(dtmf(1));
    feed.publish(dtmf(2, 'call_2'));
    feed.publish(dtmf(3, 'call_1', 'ws_2'));
    feed.close();
    expect(await sequences(one)).toEqual([1]);
    expect(await sequences(all)).toEqual([1, 2]);
  });

  it('replays the log, then goes on live, with nothing twice and nothing missing', async () => {
    const log = [dtmf(1), dtmf(2), dtmf(3)];
    const feed = createLiveFeed((_call, after) =>
      Promise.resolve(log.filter((event) => (event.sequence ?? 0) > after)),
    );
    const replay = feed.replay({ workspaceId: 'ws_1', callId: 'call_1' }, 1);
    feed.publish(dtmf(3));
    feed.publish(dtmf(null));
    log.push(dtmf(4));
    const reader = replay[Symbol.asyncIterator]();
    const seen: (number | null | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      const next = await reader.next();
      seen.push((next.value as CallEvent | undefined)?.sequence);
    }
    expect(seen).toEqual([2, 3, 4, null]);
    await reader.return?.();
    expect(feed.subscriberCount).toBe(0);
  });

  it('fetches from the log what a full queue lost', async () => {
    const log: CallEvent[] = [];
    const feed = createLiveFeed((_call, after) =>
      Promise.resolve(log.filter((event) => (event.sequence ?? 0) > after)),
    );
    const replay = feed.replay({ workspaceId: 'ws_1', callId: 'call_1' }, 0);
    for (let i = 1; i <= 1_500; i++) {
      if (i > 10) log.push(dtmf(i));
      else log.unshift(dtmf(i));
      feed.publish(dtmf(i));
    }
    log.sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
    expect(replay.droppedCount).toBe(500);
    feed.close();
    const seen = await sequences(replay);
    expect(seen).toEqual(Array.from({ length: 1_500 }, (_, index) => index + 1));
  });

  it('bounds what a slow subscriber may have waiting and counts what it lost', () => {
    const feed = createLiveFeed(() => Promise.resolve([]));
    const slow = feed.subscribe({ workspaceId: 'ws_1' });
    for (let i = 1; i <= 1_005; i++) feed.publish(dtmf(i));
    expect(slow.droppedCount).toBe(5);
    slow.close();
    slow.close();
    expect(feed.subscriberCount).toBe(0);
  });

  it('does not show another workspace’s call to one that guesses its id', async () => {
    const feed = createLiveFeed(() => Promise.resolve([dtmf(1)]));
    const replay = feed.replay({ workspaceId: 'ws_2', callId: 'call_1' }, 0);
    feed.close();
    expect(await sequences(replay)).toEqual([]);
  });
});
