import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AsyncQueue } from '../../shared/async-queue.ts';

/** What the server does with one request. */
export type FakeAnswer =
  /** An error before anything is streamed. */
  | { type: 'status'; status: number; body?: unknown; headers?: Record<string, string> }
  /** Server-sent events: objects are sent as JSON, strings as they are. */
  | { type: 'stream'; chunks: readonly unknown[]; end: 'done' | 'without-done' | 'cut' | 'hang' }
  /** The request is taken and never answered. */
  | { type: 'silence' };

/** A request as it arrived. */
export interface FakeRequest {
  path: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
  /** Resolves when the client has gone, or has been answered in full. */
  closed: Promise<void>;
}

/** An OpenAI-compatible endpoint that answers by script, on a free port of the loopback. */
export interface FakeOpenAiServer {
  /** Base URL, ending in `/v1`. */
  readonly url: string;
  /** How many requests have arrived. */
  readonly requestCount: number;
  /** The next request; waits for it. */
  nextRequest(): Promise<FakeRequest>;
  close(): Promise<void>;
}

const MAX_KEPT_REQUESTS = 1_000;

/**
 * @param answers one a request, in order; the last one also answers all that follow. Or what
 * decides by the request: an agent that guesses asks more often than the caller speaks.
 */
export async function startFakeOpenAiServer(
  answers: readonly FakeAnswer[] | ((request: FakeRequest) => FakeAnswer),
): Promise<FakeOpenAiServer> {
  const requests = new AsyncQueue<FakeRequest>(MAX_KEPT_REQUESTS, 'drop-oldest');
  const reader = requests[Symbol.asyncIterator]();
  let requestCount = 0;
  const answerTo = (request: FakeRequest, position: number): FakeAnswer => {
    if (typeof answers === 'function') return answers(request);
    return answers[Math.min(position, answers.length - 1)] ?? { type: 'silence' };
  };
  const server = createServer((request, response) => {
    const position = requestCount++;
    const take = async (): Promise<void> => {
      const received = await receive(request, response);
      requests.push(received);
      perform(response, answerTo(received, position));
    };
    // A client that goes away while it sends is part of what is tested.
    take().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    get requestCount() {
      return requestCount;
    },
    async nextRequest() {
      const next = await reader.next();
      if (next.done === true) throw new Error('the server was closed');
      return next.value;
    },
    async close() {
      requests.end();
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<FakeRequest> {
  const closed = new Promise<void>((resolve) => {
    response.on('close', resolve);
  });
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return {
    path: request.url ?? '',
    authorization: request.headers.authorization,
    body: JSON.parse(Buffer.concat(parts).toString('utf8')) as Record<string, unknown>,
    closed,
  };
}

function perform(response: ServerResponse, answer: FakeAnswer): void {
  if (answer.type === 'silence') return;
  if (answer.type === 'status') {
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(JSON.stringify(answer.body ?? { error: { message: 'scripted failure' } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  for (const chunk of answer.chunks) {
    response.write(`data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`);
  }
  if (answer.end === 'done') response.end('data: [DONE]\n\n');
  if (answer.end === 'without-done') response.end();
  // Half-written: the bytes are out, then the connection breaks.
  if (answer.end === 'cut') response.write('data: {"choi', () => response.destroy());
}

/** A chunk with text, as the endpoint would send it. */
export function textChunk(content: string): unknown {
  return { choices: [{ index: 0, delta: { content }, finish_reason: null }] };
}

/** The chunk that ends an answer. */
export function finishChunk(reason = 'stop'): unknown {
  return { choices: [{ index: 0, delta: {}, finish_reason: reason }] };
}

/** The chunk that follows the end when usage was asked for. */
export function usageChunk(promptTokens: number, completionTokens: number): unknown {
  return {
    choices: [],
    usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: 0 },
  };
}
