import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { apiErrorOf, TrunklineConnectionError } from './errors.ts';
import type { CallEvent } from './types.ts';

/** Events that may wait for a slow reader; then the socket is not read, and the server waits. */
const QUEUE_CAPACITY = 1_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** The server closes with this when the call is over. RFC 6455 §7.4.1. */
const NORMAL = 1000;
/** Waits before connecting again after the line broke; every event that comes starts them anew. */
const RETRY_DELAYS_MS = [100, 400, 1_000, 2_000, 4_000];

export interface CallFeedOptions {
  /** The feed's address without a query. */
  url: string;
  token: () => string;
  /** Sequence number of the last event that is known. Default: 0, from the beginning. */
  after?: number | undefined;
  /** Ends the feed without an error. */
  signal?: AbortSignal | undefined;
}

/**
 * A call's events, those of the past first, until the call is over. When the line breaks it connects
 * again and goes on after the last event, so that nothing is missing and nothing comes twice.
 * @throws TrunklineApiError when the server refuses; TrunklineConnectionError when it stays away
 */
export async function* callFeed(options: CallFeedOptions): AsyncGenerator<CallEvent, void, void> {
  const { signal } = options;
  let after = options.after ?? 0;
  let hasConnected = false;
  for (let failures = 0; ;) {
    const line = openLine(options, after);
    try {
      for await (const event of line.events) {
        failures = 0;
        if (event.sequence !== null) after = event.sequence;
        yield event;
      }
      return;
    } catch (error) {
      hasConnected ||= line.hasConnected;
      const waitMs = RETRY_DELAYS_MS[failures++];
      // A server that never answered is not there; one that was is perhaps being restarted.
      const isLost = error instanceof TrunklineConnectionError && hasConnected;
      if (!isLost || waitMs === undefined) throw error;
      if (!(await waited(waitMs, signal))) return;
    } finally {
      line.close();
    }
  }
}

async function waited(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return delay(ms, true, signal ? { signal } : {}).catch(() => false);
}

interface Line {
  readonly hasConnected: boolean;
  /** Ends when the call is over or the signal aborts; throws when the line breaks. */
  readonly events: AsyncIterable<CallEvent>;
  close(): void;
}

function openLine({ url, token, signal }: CallFeedOptions, after: number): Line {
  const socket = new WebSocket(`${url}?after=${after}`, {
    headers: { authorization: `Bearer ${token()}` },
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  const queue: CallEvent[] = [];
  let failure: Error | null = null;
  let isOver = false;
  let hasConnected = false;
  let wake = (): void => undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    wake();
  };
  const abort = (): void => {
    isOver = true;
    socket.terminate();
    wake();
  };
  socket.on('open', () => {
    hasConnected = true;
  });
  socket.on('message', (data: Buffer) => {
    const event = eventIn(data.toString());
    if (!event) fail(new TrunklineConnectionError(`${url} sent what is no event`));
    else if (queue.push(event) >= QUEUE_CAPACITY) socket.pause();
    wake();
  });
  socket.on('unexpected-response', (_request, response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    const refuse = (): void => {
      const id = response.headers['x-request-id'];
      const text = Buffer.concat(chunks).toString();
      fail(apiErrorOf(response.statusCode ?? 0, text, typeof id === 'string' ? id : null));
    };
    response.on('end', refuse).on('error', refuse);
  });
  socket.on('error', (error) =>
    fail(new TrunklineConnectionError(`the line to ${url} broke: ${error.message}`, error)),
  );
  socket.on('close', (code) => {
    if (code === NORMAL) isOver = true;
    else fail(new TrunklineConnectionError(`the line to ${url} broke with code ${code}`));
    wake();
  });
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });

  async function* read(): AsyncGenerator<CallEvent, void, void> {
    for (;;) {
      for (let event = queue.shift(); event; event = queue.shift()) {
        if (isOver && signal?.aborted) return;
        if (socket.isPaused && queue.length < QUEUE_CAPACITY / 2) socket.resume();
        yield event;
      }
      if (isOver) return;
      if (failure) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    get hasConnected() {
      return hasConnected;
    },
    events: { [Symbol.asyncIterator]: read },
    close() {
      signal?.removeEventListener('abort', abort);
      socket.terminate();
    },
  };
}

function eventIn(text: string): CallEvent | null {
  try {
    const event = JSON.parse(text) as Partial<CallEvent> | null;
    return typeof event?.type === 'string' && typeof event.data === 'object'
      ? (event as CallEvent)
      : null;
  } catch {
    // What is no JSON is no event either.
    return null;
  }
}
