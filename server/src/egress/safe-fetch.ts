import { Agent, type Dispatcher } from 'undici';
import { systemClock, type Clock } from '../shared/clock.ts';
import { createAddressGate } from './address-gate.ts';
import { EgressError } from './egress-error.ts';
import { guardedConnector, type ResolveHost } from './guarded-connector.ts';
import { urlRefusal } from './target-url.ts';

export interface SafeFetchOptions {
  /** CIDRs of addresses that are not public and may be asked all the same. Default none. */
  allowPrivateTargets?: readonly string[];
  clock?: Clock;
  /** Default: the system's resolver. */
  resolve?: ResolveHost;
  /** Default 5,000. */
  connectTimeoutMs?: number;
  /** Connections to one origin at once; more requests wait. Default 64. */
  maxConnectionsPerOrigin?: number;
}

export interface SafeFetchInit {
  /** Default GET. */
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | undefined;
  headers?: Record<string, string> | undefined;
  body?: string | Uint8Array | undefined;
  /** From the request to the last byte of the response. Default 10,000. */
  timeoutMs?: number | undefined;
  /** Default 1 MiB. */
  maxResponseBytes?: number | undefined;
  /** What is done with a larger body: an error, or the first bytes of it. Default `refuse`. */
  onLargeResponse?: 'refuse' | 'cut' | undefined;
  signal?: AbortSignal | undefined;
}

/** A response that has come whole, or as much of it as was wanted. */
export interface SafeResponse {
  readonly status: number;
  /** 200 to 299. A redirect is not followed and not ok. */
  readonly ok: boolean;
  /** Names in lower case; of a repeated header all values, with commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether `body` is the beginning of a larger one. */
  readonly cut: boolean;
  text(): string;
  /** @throws EgressError `bad-response` where the body is no JSON. */
  json(): unknown;
}

/** Makes HTTP requests to addresses that strangers name. */
export interface SafeFetch {
  /** @throws EgressError */
  (url: string, init?: SafeFetchInit): Promise<SafeResponse>;
  /** Why a URL will never be asked, for whoever saves one; null: it may be. */
  readonly checkTargetUrl: (url: string) => string | null;
  /** Ends every connection. Idempotent. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_CONNECTIONS = 64;
const DEFAULT_RESPONSE_BYTES = 1 << 20;
const MAX_HEAD_BYTES = 16_384;
const KEEP_ALIVE_MS = 30_000;
/** Origins that may be connected to at once. */
const MAX_ORIGINS = 4_096;

/**
 * HTTP out to addresses that strangers name: the address that is connected to is judged, at the
 * moment of the connection. Redirects are not followed; time, head and body are limited.
 */
export function createSafeFetch(options: SafeFetchOptions = {}): SafeFetch {
  const clock = options.clock ?? systemClock;
  const gate = createAddressGate(options.allowPrivateTargets);
  const agent = new Agent({
    connect: guardedConnector({
      gate,
      resolve: options.resolve,
      connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    }),
    connections: options.maxConnectionsPerOrigin ?? DEFAULT_CONNECTIONS,
    maxOrigins: MAX_ORIGINS,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
    // One limit for the whole request is kept below, on our clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  let closing: Promise<void> | null = null;

  async function safeFetch(url: string, init: SafeFetchInit = {}): Promise<SafeResponse> {
    const refusal = urlRefusal(url, gate);
    if (refusal !== null) throw new EgressError('refused-target', refusal);
    const limit = new AbortController();
    const abort = (): void => limit.abort(new EgressError('aborted', 'the request was aborted'));
    if (init.signal?.aborted) abort();
    init.signal?.addEventListener('abort', abort, { once: true });
    const timeoutMs = init.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const timer = clock.setTimer(timeoutMs, () =>
      limit.abort(new EgressError('timeout', `no whole answer within ${timeoutMs} ms`)),
    );
    try {
      const response = await agent.request({
        ...requestTarget(new URL(url)),
        method: init.method ?? 'GET',
        headers: { 'user-agent': 'Trunkline', ...init.headers },
        body: init.body ?? null,
        signal: limit.signal,
      });
      return await readResponse(response, init);
    } catch (error) {
      throw asEgressError(error);
    } finally {
      timer.cancel();
      init.signal?.removeEventListener('abort', abort);
    }
  }

  return Object.assign(safeFetch, {
    checkTargetUrl: (url: string) => urlRefusal(url, gate),
    close(): Promise<void> {
      closing ??= agent.destroy(new EgressError('aborted', 'the program is stopping'));
      return closing;
    },
  });
}

function requestTarget(url: URL): { origin: string; path: string } {
  return { origin: url.origin, path: `${url.pathname}${url.search}` };
}

async function readResponse(
  response: Dispatcher.ResponseData,
  init: SafeFetchInit,
): Promise<SafeResponse> {
  const maxBytes = init.maxResponseBytes ?? DEFAULT_RESPONSE_BYTES;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop destroys the connection: the rest is never read.
    if (size > maxBytes) break;
  }
  const cut = size > maxBytes;
  if (cut && init.onLargeResponse !== 'cut') {
    throw new EgressError('response-too-large', `the response is larger than ${maxBytes} bytes`);
  }
  const body = Buffer.concat(chunks).subarray(0, maxBytes);
  return {
    status: response.statusCode,
    ok: response.statusCode >= 200 && response.statusCode < 300,
    headers: flatHeaders(response.headers),
    body,
    cut,
    text: () => body.toString('utf8'),
    json: () => parseJson(body),
  };
}

function flatHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = [value].flat().join(', ');
  }
  return flat;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new EgressError('bad-response', 'expected JSON, got something else', { cause: error });
  }
}

const CODES: Readonly<Record<string, [EgressError['code'], string]>> = {
  UND_ERR_CONNECT_TIMEOUT: ['timeout', 'no connection in time'],
  UND_ERR_HEADERS_OVERFLOW: ['response-too-large', 'the head of the response is too large'],
  UND_ERR_DESTROYED: ['aborted', 'the program is stopping'],
  UND_ERR_CLOSED: ['aborted', 'the program is stopping'],
  UND_ERR_SOCKET: ['unreachable', 'the connection was closed before the answer had come'],
  ECONNREFUSED: ['unreachable', 'the connection was refused'],
  ECONNRESET: ['unreachable', 'the connection was reset'],
  EHOSTUNREACH: ['unreachable', 'there is no way to the host'],
  ENETUNREACH: ['unreachable', 'there is no way to the network'],
};

function asEgressError(error: unknown): EgressError {
  if (error instanceof EgressError) return error;
  const { code = '', message, cause, name } = error as NodeJS.ErrnoException;
  if (cause instanceof EgressError) return cause;
  const known = CODES[code];
  if (known) return new EgressError(known[0], known[1], { cause: error });
  if (name === 'HTTPParserError') {
    return new EgressError('bad-response', 'what came back is not HTTP', { cause: error });
  }
  return new EgressError('unreachable', message, { cause: error });
}
